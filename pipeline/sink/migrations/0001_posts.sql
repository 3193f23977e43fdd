-- Posts, the entities that were found in them, and the index of ids that storage asks what is there already.
-- Rules of every table: partitioned by event time (tokens are kept per partition), expired by stored_at (a replay of an
-- old file must not expire at once), non_replicated_deduplication_window also on the targets of materialised views.

CREATE TABLE IF NOT EXISTS posts
(
    id                String                                   COMMENT '<source>:<native id>',
    timeline          LowCardinality(String)                   COMMENT 'live, or replay:<file name>',
    source            LowCardinality(String),
    kind              Enum8('post' = 1, 'comment' = 2, 'review' = 3, 'repost' = 4),
    url               String                                   CODEC(ZSTD(3)),
    created_at        DateTime64(3, 'UTC')                     COMMENT 'event time' CODEC(Delta, ZSTD(1)),
    collected_at      DateTime64(3, 'UTC')                     CODEC(Delta, ZSTD(1)),
    enriched_at       DateTime64(3, 'UTC')                     CODEC(Delta, ZSTD(1)),
    stored_at         DateTime64(3, 'UTC') DEFAULT now64(3)    CODEC(Delta, ZSTD(1)),
    text              String                                   CODEC(ZSTD(3)),
    language          LowCardinality(String)                   COMMENT 'ISO 639-1, or und',
    label             Enum8('negative' = -1, 'neutral' = 0, 'positive' = 1) COMMENT 'sentiment of the whole text',
    p_negative        Float32                                  CODEC(ZSTD(1)),
    p_positive        Float32                                  CODEC(ZSTD(1)),
    p_neutral         Float32 ALIAS 1 - p_negative - p_positive,
    model             LowCardinality(String),
    objects           Array(LowCardinality(String))            COMMENT 'ids of the mentioned watchlist objects',
    channel_id        String                                   CODEC(ZSTD(1)),
    channel_name      String                                   CODEC(ZSTD(1)),
    channel_kind      LowCardinality(String),
    channel_followers Nullable(UInt32)                         CODEC(ZSTD(1)),
    channel_own       Bool                                     COMMENT 'the watched company''s own community',
    author_id         String                                   CODEC(ZSTD(1)),
    author_name       String                                   CODEC(ZSTD(1)),
    author_handle     String                                   CODEC(ZSTD(1)),
    author_followers  Nullable(UInt32)                         CODEC(ZSTD(1)),
    author_verified   Bool,
    author_created_at Nullable(DateTime64(3, 'UTC'))           CODEC(ZSTD(1)),
    author_bio        String                                   CODEC(ZSTD(3)),
    reply_to          String                                   CODEC(ZSTD(1)),
    thread_root       String                                   CODEC(ZSTD(1)),
    repost_of         String                                   CODEC(ZSTD(1)),
    media             Nested(kind LowCardinality(String), url String, alt String),
    likes             Nullable(UInt32)                         CODEC(ZSTD(1)),
    reposts           Nullable(UInt32)                         CODEC(ZSTD(1)),
    comments          Nullable(UInt32)                         CODEC(ZSTD(1)),
    views             Nullable(UInt32)                         CODEC(ZSTD(1)),
    rating            Nullable(Float32)                        COMMENT 'stars of a review, 0 to 5' CODEC(ZSTD(1)),
    extras            String                                   COMMENT 'JSON object of fields unknown to Molva' CODEC(ZSTD(3)),
    origin_topic      LowCardinality(String)                   COMMENT 'the raw record that the post was made from',
    origin_partition  UInt32                                   CODEC(ZSTD(1)),
    origin_offset     UInt64                                   CODEC(Delta, ZSTD(1)),
    _cluster          LowCardinality(String)                   COMMENT 'the record that storage read',
    _topic            LowCardinality(String),
    _partition        UInt32                                   CODEC(ZSTD(1)),
    _offset           UInt64                                   CODEC(Delta, ZSTD(1)),
    _batch            UInt64                                   COMMENT 'hash of the token of the insert' CODEC(ZSTD(1)),
    INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX author_bloom author_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX text_words lowerUTF8(text) TYPE tokenbf_v1(65536, 3, 0) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (toStartOfHour(created_at), id)
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS post_ids
(
    id        String              CODEC(ZSTD(1)),
    _batch    UInt64              CODEC(ZSTD(1)),
    stored_at DateTime('UTC')     CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY id
TTL stored_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256, min_compress_block_size = 16384;

CREATE MATERIALIZED VIEW IF NOT EXISTS post_ids_feed TO post_ids AS
SELECT id, _batch, toDateTime(stored_at, 'UTC') AS stored_at FROM posts;

CREATE TABLE IF NOT EXISTS entities
(
    post_id    String                                COMMENT 'posts.id' CODEC(ZSTD(1)),
    timeline   LowCardinality(String),
    source     LowCardinality(String),
    created_at DateTime64(3, 'UTC')                  COMMENT 'event time of the post' CODEC(Delta, ZSTD(1)),
    stored_at  DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    type       Enum8('PER' = 1, 'ORG' = 2, 'LOC' = 3),
    normal     String                                COMMENT 'normal form' CODEC(ZSTD(1)),
    text       String                                COMMENT 'as it stands in the post' CODEC(ZSTD(1)),
    start      UInt32                                COMMENT 'character offset in posts.text' CODEC(ZSTD(1)),
    end        UInt32                                CODEC(ZSTD(1)),
    label      Enum8('negative' = -1, 'neutral' = 0, 'positive' = 1) COMMENT 'sentiment of the post',
    _cluster   LowCardinality(String),
    _topic     LowCardinality(String),
    _partition UInt32                                CODEC(ZSTD(1)),
    _offset    UInt64                                CODEC(Delta, ZSTD(1)),
    _batch     UInt64                                CODEC(ZSTD(1)),
    INDEX post_bloom post_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (type, normal, timeline, created_at, post_id, start)
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000;
