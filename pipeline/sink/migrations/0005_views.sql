-- What analysts and dashboards read; docs/clickhouse.md explains each with examples.

CREATE VIEW IF NOT EXISTS net_sentiment AS
SELECT
    timeline,
    object_id,
    object_kind,
    bucket,
    sumIf(r.mentions, NOT own) AS mentions,
    sumIf(r.negatives, NOT own) AS negatives,
    sumIf(r.neutrals, NOT own) AS neutrals,
    sumIf(r.positives, NOT own) AS positives,
    if(mentions = 0, NULL, (toInt64(positives) - toInt64(negatives)) / mentions) AS net_sentiment,
    if(mentions = 0, NULL, negatives / mentions) AS negative_share,
    sumIf(r.reach, NOT own) AS reach,
    uniqMergeIf(r.authors, NOT own) AS authors,
    sumIf(r.mentions, own) AS own_mentions
FROM mentions_1h AS r
GROUP BY timeline, object_id, object_kind, bucket;

CREATE VIEW IF NOT EXISTS net_sentiment_daily AS
SELECT
    timeline,
    object_id,
    object_kind,
    bucket,
    sumIf(r.mentions, NOT own) AS mentions,
    sumIf(r.negatives, NOT own) AS negatives,
    sumIf(r.neutrals, NOT own) AS neutrals,
    sumIf(r.positives, NOT own) AS positives,
    if(mentions = 0, NULL, (toInt64(positives) - toInt64(negatives)) / mentions) AS net_sentiment,
    if(mentions = 0, NULL, negatives / mentions) AS negative_share,
    sumIf(r.reach, NOT own) AS reach,
    uniqMergeIf(r.authors, NOT own) AS authors,
    sumIf(r.mentions, own) AS own_mentions
FROM mentions_1d AS r
GROUP BY timeline, object_id, object_kind, bucket;

CREATE VIEW IF NOT EXISTS share_of_voice AS
SELECT
    timeline,
    bucket,
    object_id,
    object_kind,
    mentions,
    mentions / sum(mentions) OVER (PARTITION BY timeline, bucket) AS share,
    if(object_kind IN ('brand', 'competitor'),
       mentions / sumIf(mentions, object_kind IN ('brand', 'competitor')) OVER (PARTITION BY timeline, bucket),
       NULL) AS market_share,
    reach,
    if(sum(reach) OVER (PARTITION BY timeline, bucket) = 0, NULL,
       reach / sum(reach) OVER (PARTITION BY timeline, bucket)) AS share_of_reach
FROM net_sentiment_daily
WHERE mentions > 0;

CREATE VIEW IF NOT EXISTS top_entities AS
SELECT
    timeline,
    toDate(created_at) AS day,
    type,
    normal,
    uniqExact(post_id) AS posts,
    uniqExactIf(post_id, label = 'negative') AS negative_posts,
    uniqExactIf(post_id, label = 'positive') AS positive_posts,
    count() AS occurrences
FROM entities
GROUP BY timeline, day, type, normal;

CREATE VIEW IF NOT EXISTS spike_history AS
SELECT
    id,
    any(s.object_id) AS object_id,
    any(s.object_kind) AS object_kind,
    any(s.timeline) AS timeline,
    any(s.resolution) AS resolution,
    any(s.started_at) AS started_at,
    any(s.opened_at) AS opened_at,
    argMax(s.status, s.revision) AS status,
    max(s.updated_at) AS updated_at,
    max(s.resolved_at) AS resolved_at,
    max(s.revision) AS revisions,
    dateDiff('minute', started_at, updated_at) AS minutes,
    argMax(s.score, s.revision) AS score,
    max(s.peak_score) AS peak_score,
    argMax(s.negatives, s.revision) AS negatives,
    argMax(s.expected_negatives, s.revision) AS expected_negatives,
    argMax(s.total, s.revision) AS total,
    argMax(s.expected_total, s.revision) AS expected_total,
    argMax(s.authors, s.revision) AS authors,
    argMax(s.top_posts.url, s.revision) AS top_urls,
    argMax(s.top_posts.excerpt, s.revision) AS top_excerpts,
    argMax(s.top_sources.source, s.revision) AS sources
FROM spikes AS s
GROUP BY id;
