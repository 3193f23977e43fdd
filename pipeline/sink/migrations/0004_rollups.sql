-- Rollups per object and 5 minutes / hour / day, filled by materialised views at insert: exact, because storage inserts
-- every mention once and a retry carries the same token. Read them with sum(...) and uniqMerge(...), or by the views.

CREATE TABLE IF NOT EXISTS mentions_5m
(
    object_id        LowCardinality(String),
    object_kind      Enum8('brand' = 1, 'person' = 2, 'product' = 3, 'topic' = 4, 'competitor' = 5),
    timeline         LowCardinality(String),
    bucket           DateTime('UTC')                           COMMENT 'start of the bucket, event time' CODEC(Delta, ZSTD(1)),
    source           LowCardinality(String),
    own              Bool                                      COMMENT 'the object itself speaks: not the public',
    mentions         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    negatives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    neutrals         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    positives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    reach            SimpleAggregateFunction(sum, UInt64)      COMMENT 'followers of the channels, or else of the authors' CODEC(ZSTD(1)),
    negative_reach   SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    engagement       SimpleAggregateFunction(sum, UInt64)      COMMENT 'likes + reposts + comments' CODEC(ZSTD(1)),
    authors          AggregateFunction(uniq, String)           COMMENT 'a post without author counts as one',
    negative_authors AggregateFunction(uniqIf, String, Bool)   COMMENT 'authors of negative mentions',
    stored_at        SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (object_id, object_kind, timeline, bucket, source, own)
TTL stored_at + INTERVAL 6 MONTH
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mentions_5m_feed TO mentions_5m AS
SELECT
    object_id,
    object_kind,
    timeline,
    toDateTime(toStartOfFiveMinutes(created_at), 'UTC') AS bucket,
    source,
    own,
    count() AS mentions,
    countIf(label = 'negative') AS negatives,
    countIf(label = 'neutral') AS neutrals,
    countIf(label = 'positive') AS positives,
    sum(coalesce(channel_followers, author_followers, 0)) AS reach,
    sumIf(coalesce(channel_followers, author_followers, 0), label = 'negative') AS negative_reach,
    sum(ifNull(likes, 0) + ifNull(reposts, 0) + ifNull(comments, 0)) AS engagement,
    uniqState(if(author_id = '', post_id, concat(source, ':', author_id))) AS authors,
    uniqIfState(if(author_id = '', post_id, concat(source, ':', author_id)), label = 'negative') AS negative_authors,
    max(toDateTime(mentions.stored_at, 'UTC')) AS stored_at
FROM mentions
GROUP BY object_id, object_kind, timeline, bucket, source, own;

CREATE TABLE IF NOT EXISTS mentions_1h
(
    object_id        LowCardinality(String),
    object_kind      Enum8('brand' = 1, 'person' = 2, 'product' = 3, 'topic' = 4, 'competitor' = 5),
    timeline         LowCardinality(String),
    bucket           DateTime('UTC')                           COMMENT 'start of the bucket, event time' CODEC(Delta, ZSTD(1)),
    source           LowCardinality(String),
    own              Bool                                      COMMENT 'the object itself speaks: not the public',
    mentions         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    negatives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    neutrals         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    positives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    reach            SimpleAggregateFunction(sum, UInt64)      COMMENT 'followers of the channels, or else of the authors' CODEC(ZSTD(1)),
    negative_reach   SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    engagement       SimpleAggregateFunction(sum, UInt64)      COMMENT 'likes + reposts + comments' CODEC(ZSTD(1)),
    authors          AggregateFunction(uniq, String)           COMMENT 'a post without author counts as one',
    negative_authors AggregateFunction(uniqIf, String, Bool)   COMMENT 'authors of negative mentions',
    stored_at        SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (object_id, object_kind, timeline, bucket, source, own)
TTL stored_at + INTERVAL 5 YEAR
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mentions_1h_feed TO mentions_1h AS
SELECT
    object_id,
    object_kind,
    timeline,
    toDateTime(toStartOfHour(created_at), 'UTC') AS bucket,
    source,
    own,
    count() AS mentions,
    countIf(label = 'negative') AS negatives,
    countIf(label = 'neutral') AS neutrals,
    countIf(label = 'positive') AS positives,
    sum(coalesce(channel_followers, author_followers, 0)) AS reach,
    sumIf(coalesce(channel_followers, author_followers, 0), label = 'negative') AS negative_reach,
    sum(ifNull(likes, 0) + ifNull(reposts, 0) + ifNull(comments, 0)) AS engagement,
    uniqState(if(author_id = '', post_id, concat(source, ':', author_id))) AS authors,
    uniqIfState(if(author_id = '', post_id, concat(source, ':', author_id)), label = 'negative') AS negative_authors,
    max(toDateTime(mentions.stored_at, 'UTC')) AS stored_at
FROM mentions
GROUP BY object_id, object_kind, timeline, bucket, source, own;

CREATE TABLE IF NOT EXISTS mentions_1d
(
    object_id        LowCardinality(String),
    object_kind      Enum8('brand' = 1, 'person' = 2, 'product' = 3, 'topic' = 4, 'competitor' = 5),
    timeline         LowCardinality(String),
    bucket           DateTime('UTC')                           COMMENT 'start of the bucket, event time' CODEC(Delta, ZSTD(1)),
    source           LowCardinality(String),
    own              Bool                                      COMMENT 'the object itself speaks: not the public',
    mentions         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    negatives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    neutrals         SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    positives        SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    reach            SimpleAggregateFunction(sum, UInt64)      COMMENT 'followers of the channels, or else of the authors' CODEC(ZSTD(1)),
    negative_reach   SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    engagement       SimpleAggregateFunction(sum, UInt64)      COMMENT 'likes + reposts + comments' CODEC(ZSTD(1)),
    authors          AggregateFunction(uniq, String)           COMMENT 'a post without author counts as one',
    negative_authors AggregateFunction(uniqIf, String, Bool)   COMMENT 'authors of negative mentions',
    stored_at        SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (object_id, object_kind, timeline, bucket, source, own)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS mentions_1d_feed TO mentions_1d AS
SELECT
    object_id,
    object_kind,
    timeline,
    toDateTime(toStartOfDay(created_at), 'UTC') AS bucket,
    source,
    own,
    count() AS mentions,
    countIf(label = 'negative') AS negatives,
    countIf(label = 'neutral') AS neutrals,
    countIf(label = 'positive') AS positives,
    sum(coalesce(channel_followers, author_followers, 0)) AS reach,
    sumIf(coalesce(channel_followers, author_followers, 0), label = 'negative') AS negative_reach,
    sum(ifNull(likes, 0) + ifNull(reposts, 0) + ifNull(comments, 0)) AS engagement,
    uniqState(if(author_id = '', post_id, concat(source, ':', author_id))) AS authors,
    uniqIfState(if(author_id = '', post_id, concat(source, ':', author_id)), label = 'negative') AS negative_authors,
    max(toDateTime(mentions.stored_at, 'UTC')) AS stored_at
FROM mentions
GROUP BY object_id, object_kind, timeline, bucket, source, own;
