-- expand: which analysis a row is of, the runs of `molva reprocess`, and which workers write here.

ALTER TABLE posts ADD COLUMN IF NOT EXISTS version LowCardinality(String) DEFAULT '' COMMENT 'the run of molva reprocess that made the analysis; empty: as it came' AFTER model;
ALTER TABLE mentions ADD COLUMN IF NOT EXISTS version LowCardinality(String) DEFAULT '' COMMENT 'the run of molva reprocess that made the analysis; empty: as it came' AFTER model;

CREATE TABLE IF NOT EXISTS analysis_versions
(
    name     String                                            COMMENT 'posts.version, mentions.version',
    step     Enum8('planned' = 1, 'kept' = 2, 'replaced' = 3, 'dropped' = 4, 'abandoned' = 5)
             COMMENT 'kept: the rows of before are in old_*; replaced: readers see this version; dropped: old_* is gone',
    at       DateTime64(3, 'UTC')                              COMMENT 'when the step was reached',
    timeline LowCardinality(String),
    since    DateTime64(3, 'UTC')                              COMMENT 'the period, by created_at: from',
    until    DateTime64(3, 'UTC')                              COMMENT 'up to, exclusive',
    objects  Array(LowCardinality(String))                     COMMENT 'only posts that mentioned one of these; empty: all posts',
    digest   String                                            COMMENT 'of the watchlist, the models and the version of Molva',
    months   Array(UInt32)                                     COMMENT 'partitions that are replaced, as 202603',
    posts    UInt64                                            COMMENT 'posts of the period'
)
ENGINE = ReplacingMergeTree
ORDER BY (name, step)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS workers
(
    worker  String                                             COMMENT '<host>:<pid>',
    stage   LowCardinality(String),
    version LowCardinality(String)                             COMMENT 'of Molva',
    schema  UInt32                                             COMMENT 'the newest migration that the worker knows',
    seen_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (stage, worker)
TTL seen_at + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000;
