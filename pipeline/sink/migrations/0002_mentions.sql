-- Mentions: one row per post and watchlist object, ordered for time ranges of one object.

CREATE TABLE IF NOT EXISTS mentions
(
    object_id         LowCardinality(String)                   COMMENT 'id in the watchlist',
    object_kind       Enum8('brand' = 1, 'person' = 2, 'product' = 3, 'topic' = 4, 'competitor' = 5),
    timeline          LowCardinality(String)                   COMMENT 'live, or replay:<file name>',
    post_id           String                                   COMMENT 'posts.id' CODEC(ZSTD(1)),
    id                String ALIAS concat(post_id, '#', object_id),
    created_at        DateTime64(3, 'UTC')                     COMMENT 'event time of the post' CODEC(Delta, ZSTD(1)),
    collected_at      DateTime64(3, 'UTC')                     CODEC(Delta, ZSTD(1)),
    enriched_at       DateTime64(3, 'UTC')                     CODEC(Delta, ZSTD(1)),
    stored_at         DateTime64(3, 'UTC') DEFAULT now64(3)    CODEC(Delta, ZSTD(1)),
    source            LowCardinality(String),
    kind              Enum8('post' = 1, 'comment' = 2, 'review' = 3, 'repost' = 4),
    url               String                                   CODEC(ZSTD(3)),
    channel_id        String                                   CODEC(ZSTD(1)),
    channel_name      String                                   CODEC(ZSTD(1)),
    channel_followers Nullable(UInt32)                         CODEC(ZSTD(1)),
    channel_own       Bool,
    author_id         String                                   CODEC(ZSTD(1)),
    author_name       String                                   CODEC(ZSTD(1)),
    author_handle     String                                   CODEC(ZSTD(1)),
    author_followers  Nullable(UInt32)                         CODEC(ZSTD(1)),
    author_verified   Bool,
    language          LowCardinality(String),
    excerpt           String                                   COMMENT 'first 280 characters of the text' CODEC(ZSTD(3)),
    reply_to          String                                   CODEC(ZSTD(1)),
    likes             Nullable(UInt32)                         CODEC(ZSTD(1)),
    reposts           Nullable(UInt32)                         CODEC(ZSTD(1)),
    comments          Nullable(UInt32)                         CODEC(ZSTD(1)),
    views             Nullable(UInt32)                         CODEC(ZSTD(1)),
    spans             Nested(start UInt32, end UInt32, text String, alias String, rule LowCardinality(String))
                                                               COMMENT 'where and why the object was matched',
    label             Enum8('negative' = -1, 'neutral' = 0, 'positive' = 1) COMMENT 'sentiment toward the object',
    p_negative        Float32                                  CODEC(ZSTD(1)),
    p_positive        Float32                                  CODEC(ZSTD(1)),
    p_neutral         Float32 ALIAS 1 - p_negative - p_positive,
    own               Bool                                     COMMENT 'the object itself speaks',
    model             LowCardinality(String),
    origin_topic      LowCardinality(String)                   COMMENT 'the raw record that the mention was made from',
    origin_partition  UInt32                                   CODEC(ZSTD(1)),
    origin_offset     UInt64                                   CODEC(Delta, ZSTD(1)),
    _cluster          LowCardinality(String)                   COMMENT 'the record that storage read',
    _topic            LowCardinality(String),
    _partition        UInt32                                   CODEC(ZSTD(1)),
    _offset           UInt64                                   CODEC(Delta, ZSTD(1)),
    _batch            UInt64                                   COMMENT 'hash of the token of the insert' CODEC(ZSTD(1)),
    INDEX post_bloom post_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (object_id, timeline, created_at, post_id)
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS mention_ids
(
    id        String              CODEC(ZSTD(1)),
    _batch    UInt64              CODEC(ZSTD(1)),
    stored_at DateTime('UTC')     CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY id
TTL stored_at + INTERVAL 25 MONTH
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256, min_compress_block_size = 16384;

CREATE MATERIALIZED VIEW IF NOT EXISTS mention_ids_feed TO mention_ids AS
SELECT concat(post_id, '#', object_id) AS id, _batch, toDateTime(stored_at, 'UTC') AS stored_at FROM mentions;
