-- What happens rarely: events of spikes, deletions, dead letters; and the intents of the sink itself.

CREATE TABLE IF NOT EXISTS spikes
(
    id                 String                                  COMMENT 'one id per spike; one row per event of it',
    revision           UInt32                                  COMMENT 'counts the events of the spike from 1',
    status             Enum8('opened' = 1, 'updated' = 2, 'resolved' = 3),
    object_id          LowCardinality(String),
    object_kind        Enum8('brand' = 1, 'person' = 2, 'product' = 3, 'topic' = 4, 'competitor' = 5),
    timeline           LowCardinality(String),
    resolution         Enum8('5m' = 1, '1h' = 2),
    opened_at          DateTime64(3, 'UTC')                    COMMENT 'end of the bucket that opened the spike',
    started_at         DateTime64(3, 'UTC')                    COMMENT 'start of the first bucket of the run',
    updated_at         DateTime64(3, 'UTC')                    COMMENT 'end of the bucket that this event is about',
    resolved_at        Nullable(DateTime64(3, 'UTC')),
    score              Float64,
    peak_score         Float64,
    negatives          UInt32                                  COMMENT 'of the run so far',
    expected_negatives Float64,
    total              UInt32,
    expected_total     Float64,
    authors            UInt32                                  COMMENT 'unique authors of the negative mentions',
    top_posts          Nested(post_id String, url String, excerpt String, author String, followers Nullable(UInt32),
                              p_negative Float32),
    top_sources        Nested(source LowCardinality(String), negatives UInt32),
    stored_at          DateTime64(3, 'UTC') DEFAULT now64(3),
    _cluster           LowCardinality(String),
    _topic             LowCardinality(String),
    _partition         UInt32,
    _offset            UInt64,
    _batch             UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(updated_at)
ORDER BY (id, revision)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS deletions
(
    id           String                                        COMMENT 'posts.id of the deleted post',
    source       LowCardinality(String),
    native_id    String,
    deleted_at   DateTime64(3, 'UTC')                          CODEC(Delta, ZSTD(1)),
    collected_at DateTime64(3, 'UTC')                          CODEC(Delta, ZSTD(1)),
    timeline     LowCardinality(String),
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3)         CODEC(Delta, ZSTD(1)),
    _cluster     LowCardinality(String),
    _topic       LowCardinality(String),
    _partition   UInt32,
    _offset      UInt64                                        CODEC(Delta, ZSTD(1)),
    _batch       UInt64                                        CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(deleted_at)
ORDER BY id
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;

CREATE TABLE IF NOT EXISTS dead_letters
(
    id             String                                      COMMENT '<stage>/<origin>',
    stage          LowCardinality(String)                      COMMENT 'where it was found',
    origin         String                                      COMMENT '<topic>:<partition>:<offset>, or the place in an input',
    reason         LowCardinality(String)                      COMMENT 'not_json, invalid, implausible_time, too_large, unknown_type, failed',
    detail         String                                      COMMENT 'one line for a person' CODEC(ZSTD(1)),
    payload        String                                      COMMENT 'the first 32 KiB of the record' CODEC(ZSTD(3)),
    payload_size   UInt64                                      COMMENT 'bytes of the whole record',
    payload_sha256 String                                      CODEC(ZSTD(1)),
    failed_at      DateTime64(3, 'UTC')                        CODEC(Delta, ZSTD(1)),
    stored_at      DateTime64(3, 'UTC') DEFAULT now64(3)       CODEC(Delta, ZSTD(1)),
    _cluster       LowCardinality(String),
    _topic         LowCardinality(String),
    _partition     UInt32,
    _offset        UInt64                                      CODEC(Delta, ZSTD(1)),
    _batch         UInt64                                      CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(failed_at)
ORDER BY id
TTL toDateTime(stored_at) + INTERVAL 180 DAY
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 256;

CREATE TABLE IF NOT EXISTS sink_intents
(
    cluster   LowCardinality(String),
    topic     LowCardinality(String),
    partition UInt32,
    lo        UInt64,
    hi        UInt64,
    version   UInt64 COMMENT 'nanoseconds, ascending'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (cluster, topic, partition);
