-- What names are linked to, and what suddenly appears beside an object: names per object and hour, against its last week.

ALTER TABLE entities ADD COLUMN IF NOT EXISTS name String DEFAULT normal COMMENT 'what the name is linked to; normal where nothing more is known' CODEC(ZSTD(1)) AFTER normal;
ALTER TABLE entities ADD COLUMN IF NOT EXISTS object_id LowCardinality(String) COMMENT 'the watchlist object that it names' AFTER name;
ALTER TABLE entities ADD COLUMN IF NOT EXISTS objects Array(LowCardinality(String)) COMMENT 'the objects that the post mentions' CODEC(ZSTD(1)) AFTER label;
ALTER TABLE entities ADD COLUMN IF NOT EXISTS author_id String COMMENT 'the author of the post' CODEC(ZSTD(1)) AFTER objects;

CREATE TABLE IF NOT EXISTS entities_1h
(
    object_id        LowCardinality(String)                    COMMENT 'the object that the posts mention',
    timeline         LowCardinality(String),
    bucket           DateTime('UTC')                           COMMENT 'start of the hour, event time' CODEC(Delta, ZSTD(1)),
    type             Enum8('PER' = 1, 'ORG' = 2, 'LOC' = 3),
    name             String                                    CODEC(ZSTD(1)),
    posts            SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    negative_posts   SimpleAggregateFunction(sum, UInt64)      CODEC(ZSTD(1)),
    authors          AggregateFunction(uniq, String)           COMMENT 'a post without author counts as one',
    negative_authors AggregateFunction(uniqIf, String, Bool)   COMMENT 'authors of negative posts',
    stored_at        SimpleAggregateFunction(max, DateTime('UTC')) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(bucket)
ORDER BY (object_id, timeline, bucket, type, name)
TTL stored_at + INTERVAL 6 MONTH
SETTINGS non_replicated_deduplication_window = 10000;

-- A post is in one batch and a batch is one block, so the sum of its distinct posts is exact.
CREATE MATERIALIZED VIEW IF NOT EXISTS entities_1h_feed TO entities_1h AS
SELECT
    object AS object_id,
    timeline,
    toDateTime(toStartOfHour(created_at), 'UTC') AS bucket,
    type,
    name,
    uniqExact(post_id) AS posts,
    uniqExactIf(post_id, label = 'negative') AS negative_posts,
    uniqState(author) AS authors,
    uniqIfState(author, label = 'negative') AS negative_authors,
    max(toDateTime(entity_stored_at, 'UTC')) AS stored_at
FROM
(
    SELECT
        arrayJoin(objects) AS object,
        e.object_id AS named,
        timeline,
        created_at,
        type,
        name,
        post_id,
        label,
        if(author_id = '', post_id, concat(source, ':', author_id)) AS author,
        e.stored_at AS entity_stored_at
    FROM entities AS e
)
WHERE object != named
GROUP BY object, timeline, bucket, type, name;

-- Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008): the hour against the 7 days before.
-- The prior is the name's share in both together, worth 100 namings; the same as pipeline/core/surges.py.
CREATE VIEW IF NOT EXISTS entity_surges AS
WITH
    100 * (posts + posts_before) / (total + total_before + 1) AS prior,
    posts + prior AS now_named,
    total + 100 - posts - prior AS now_others,
    posts_before + prior AS before_named,
    total_before + 100 - posts_before - prior AS before_others,
    log(now_named / now_others) - log(before_named / before_others) AS difference
SELECT
    timeline,
    object_id,
    bucket,
    type,
    name,
    posts,
    negative_posts,
    authors,
    posts_before,
    if(total_before = 0, 0, total * posts_before / total_before) AS expected,
    difference AS log_odds,
    difference / sqrt(1 / now_named + 1 / now_others + 1 / before_named + 1 / before_others) AS z,
    posts_before = 0 AS is_new,
    first_seen
FROM
(
    SELECT
        timeline, object_id, bucket, type, name, posts, negative_posts, authors,
        sum(posts) OVER (PARTITION BY timeline, object_id, bucket) AS total,
        sum(posts) OVER (PARTITION BY timeline, object_id ORDER BY seconds
                         RANGE BETWEEN 604800 PRECEDING AND 1 PRECEDING) AS total_before,
        sum(posts) OVER (PARTITION BY timeline, object_id, type, name ORDER BY seconds
                         RANGE BETWEEN 604800 PRECEDING AND 1 PRECEDING) AS posts_before,
        min(bucket) OVER (PARTITION BY timeline, object_id, type, name) AS first_seen
    FROM
    (
        SELECT
            timeline, object_id, bucket, type, name,
            toInt64(toUnixTimestamp(bucket)) AS seconds,
            sum(r.posts) AS posts,
            sum(r.negative_posts) AS negative_posts,
            uniqMerge(r.authors) AS authors
        FROM entities_1h AS r
        GROUP BY timeline, object_id, bucket, type, name
    )
);
