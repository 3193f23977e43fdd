-- expand: what posts became by edits, in whose communities they stand, and how fast companies answer there.
-- posts and mentions hold each post, and each post about each object, once: the first version that came. The other versions
-- are in *_revisions, with every revision above 0 of the first, so that each version is told from its repetitions there.
-- Views read the first from its own table: `molva reprocess` makes it anew there.

ALTER TABLE posts ADD COLUMN IF NOT EXISTS revision UInt64 DEFAULT 0 COMMENT '0: as first published; else the moment of the edit in Unix milliseconds' CODEC(ZSTD(1)) AFTER kind,
    ADD COLUMN IF NOT EXISTS edited_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when this version was made, as far as the source tells' CODEC(ZSTD(1)) AFTER revision,
    ADD COLUMN IF NOT EXISTS spoken_by Array(LowCardinality(String)) COMMENT 'ids of the watchlist objects whose own account wrote it' CODEC(ZSTD(1)) AFTER objects,
    ADD COLUMN IF NOT EXISTS community_of Array(LowCardinality(String)) COMMENT 'ids of the watchlist objects in whose own community it stands' CODEC(ZSTD(1)) AFTER spoken_by,
    ADD COLUMN IF NOT EXISTS channel_handle String COMMENT 'short name in addresses' CODEC(ZSTD(1)) AFTER channel_name,
    ADD COLUMN IF NOT EXISTS author_own Bool COMMENT 'the watched company itself writes' AFTER author_verified;

ALTER TABLE mentions ADD COLUMN IF NOT EXISTS revision UInt64 DEFAULT 0 COMMENT 'that of the post' CODEC(ZSTD(1)) AFTER kind;

CREATE TABLE IF NOT EXISTS post_revisions AS posts
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (id, revision)
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 1024;

ALTER TABLE post_revisions ADD COLUMN IF NOT EXISTS counted Bool COMMENT 'this version is the row of posts';

CREATE TABLE IF NOT EXISTS mention_revisions AS mentions
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (concat(post_id, '#', object_id), revision)
TTL toDateTime(stored_at) + INTERVAL 2 YEAR
SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 1024;

ALTER TABLE mention_revisions ADD COLUMN IF NOT EXISTS counted Bool COMMENT 'this version is the row of mentions';

-- Each post as its newest version has it. (GLOBAL: on a cluster the inner tables are distributed as well.)
CREATE VIEW IF NOT EXISTS latest_posts AS
SELECT v.*, d.deleted_at AS deleted_at
FROM
(
    SELECT * FROM posts WHERE id GLOBAL NOT IN (SELECT id FROM post_revisions)
    UNION ALL
    SELECT * FROM
    (
        SELECT * FROM posts WHERE id GLOBAL IN (SELECT id FROM post_revisions)
        UNION ALL
        SELECT * EXCEPT (counted) FROM post_revisions WHERE NOT counted
    )
    ORDER BY id, revision DESC
    LIMIT 1 BY id
) AS v
GLOBAL LEFT JOIN (SELECT id, toNullable(min(r.deleted_at)) AS deleted_at FROM deletions AS r GROUP BY id) AS d ON d.id = v.id;

-- Each post about each object as its newest version has it; none where that version is no longer about the object.
CREATE VIEW IF NOT EXISTS latest_mentions AS
SELECT v.*, d.deleted_at AS deleted_at
FROM
(
    SELECT * FROM mentions WHERE post_id GLOBAL NOT IN (SELECT id FROM post_revisions)
    UNION ALL
    SELECT * FROM
    (
        SELECT * FROM mentions WHERE post_id GLOBAL IN (SELECT id FROM post_revisions)
        UNION ALL
        SELECT * EXCEPT (counted) FROM mention_revisions WHERE NOT counted
    )
    WHERE (post_id, revision) GLOBAL IN (
        SELECT id, max(revision) FROM
        (
            SELECT id, revision FROM posts WHERE id GLOBAL IN (SELECT id FROM post_revisions)
            UNION ALL
            SELECT id, revision FROM post_revisions WHERE NOT counted
        )
        GROUP BY id)
) AS v
GLOBAL LEFT JOIN (SELECT id, toNullable(min(r.deleted_at)) AS deleted_at FROM deletions AS r GROUP BY id) AS d ON d.id = v.post_id;

-- Every version of the posts that were edited, and what the one before it said.
CREATE VIEW IF NOT EXISTS post_history AS
SELECT
    id, timeline, source, created_at, revision, edited_at, collected_at,
    row_number() OVER versions AS version,
    text,
    lagInFrame(text) OVER versions AS text_before,
    label,
    if(version = 1, '', lagInFrame(toString(label)) OVER versions) AS label_before,
    objects,
    counted,
    url
FROM
(
    SELECT id, timeline, source, created_at, revision, edited_at, collected_at, text, label, objects, true AS counted, url
    FROM posts WHERE id GLOBAL IN (SELECT id FROM post_revisions)
    UNION ALL
    SELECT id, timeline, source, created_at, revision, edited_at, collected_at, text, label, objects, counted, url
    FROM post_revisions WHERE NOT counted
)
WINDOW versions AS (PARTITION BY id ORDER BY revision ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);

-- What the public writes in the communities of watched objects, and when the object first answered. An answer is a post of
-- the object's own account that replies to it, or stands in the thread that it began, and has not been deleted.
CREATE VIEW IF NOT EXISTS community_posts AS
SELECT
    q.object_id AS object_id,
    any(q.timeline) AS timeline,
    any(q.source) AS source,
    q.id AS post_id,
    any(q.kind) AS kind,
    any(q.created_at) AS created_at,
    any(q.label) AS label,
    any(q.author_id) AS author_id,
    any(q.author_name) AS author_name,
    any(q.url) AS url,
    any(q.text) AS text,
    any(q.deleted_at) AS deleted_at,
    minOrNullIf(greatest(a.created_at, q.created_at), a.ours AND (q.object_id = '' OR empty(a.spoken_by) OR has(a.spoken_by, q.object_id))) AS answered_at,
    argMinIf(a.id, (a.created_at, a.id), a.ours AND (q.object_id = '' OR empty(a.spoken_by) OR has(a.spoken_by, q.object_id))) AS answer_id,
    dateDiff('second', created_at, answered_at) AS seconds_to_answer
FROM
(
    SELECT c.*, d.deleted_at AS deleted_at
    FROM
    (
        SELECT
            arrayJoin(if(empty(community_of), [''], community_of)) AS object_id, spoken_by, author_own,
            timeline, source, id, kind, created_at, label, author_id, author_name, url, text
        FROM posts
        WHERE channel_own OR notEmpty(community_of)
    ) AS c
    GLOBAL LEFT JOIN (SELECT id, toNullable(min(r.deleted_at)) AS deleted_at FROM deletions AS r GROUP BY id) AS d ON d.id = c.id
    WHERE NOT has(spoken_by, object_id) AND NOT (author_own AND (empty(spoken_by) OR object_id = ''))
) AS q
GLOBAL LEFT JOIN
(
    SELECT
        true AS ours, id, created_at, spoken_by,
        arrayJoin(arrayDistinct(arrayMap(
            p -> if(startsWith(p, concat(source, ':')), p, concat(source, ':', p)),
            arrayFilter(p -> p != '', [reply_to, thread_root])))) AS parent
    FROM posts
    WHERE (author_own OR notEmpty(spoken_by)) AND id GLOBAL NOT IN (SELECT id FROM deletions)
) AS a ON a.parent = q.id
GROUP BY q.object_id, q.id;

-- How fast and how often objects answer in their communities, by day of the question. A question counts for a share where it
-- was answered in time, or stood that long: not while it is younger, nor where it was deleted before.
CREATE VIEW IF NOT EXISTS community_response AS
SELECT
    timeline,
    object_id,
    source,
    toDate(created_at) AS day,
    count() AS posts,
    countIf(label = 'negative') AS negatives,
    countIf(isNotNull(deleted_at)) AS deleted,
    countIf(isNotNull(answered_at)) AS answered,
    countIf(seconds_to_answer <= 3600) AS answered_1h,
    countIf(seconds_to_answer <= 86400) AS answered_24h,
    countIf(seconds_to_answer <= 3600 OR stood >= 3600) AS due_1h,
    countIf(seconds_to_answer <= 86400 OR stood >= 86400) AS due_24h,
    if(due_1h = 0, NULL, answered_1h / due_1h) AS share_1h,
    if(due_24h = 0, NULL, answered_24h / due_24h) AS share_24h,
    quantileExactInclusive(0.5)(seconds_to_answer) AS median_seconds,
    quantileExactInclusive(0.9)(seconds_to_answer) AS p90_seconds
FROM (SELECT *, dateDiff('second', created_at, coalesce(deleted_at, now64(3))) AS stood FROM community_posts)
GROUP BY timeline, object_id, source, day;
