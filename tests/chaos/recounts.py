"""The questions of the ledger: rollups against the tables that they are of, and copies against each other."""

from __future__ import annotations

_MENTIONS = """
SELECT object_id, timeline, source, own, bucket, sum(m) AS dm, sum(n) AS dn, sum(u) AS du, sum(p) AS dp,
    sum(r) AS dr, sum(e) AS de
FROM (
    SELECT object_id, timeline, source, own, toDateTime({start}(created_at), 'UTC') AS bucket,
        toInt64(1) AS m, toInt64(label = 'negative') AS n, toInt64(label = 'neutral') AS u,
        toInt64(label = 'positive') AS p,
        toInt64(coalesce(channel_followers, author_followers, 0)) AS r,
        toInt64(ifNull(likes, 0) + ifNull(reposts, 0) + ifNull(comments, 0)) AS e
    FROM mentions
    UNION ALL
    SELECT object_id, timeline, source, own, bucket, -toInt64(mentions), -toInt64(negatives),
        -toInt64(neutrals), -toInt64(positives), -toInt64(reach), -toInt64(engagement)
    FROM {table}
)
GROUP BY ALL HAVING dm != 0 OR dn != 0 OR du != 0 OR dp != 0 OR dr != 0 OR de != 0
"""
_AUTHORS = """
SELECT * FROM (
    SELECT object_id, timeline, toDateTime({start}(created_at), 'UTC') AS bucket,
        uniq(if(author_id = '', post_id, concat(source, ':', author_id))) AS authors
    FROM mentions GROUP BY ALL
    EXCEPT DISTINCT
    SELECT object_id, timeline, bucket, uniqMerge(authors) AS authors FROM {table} GROUP BY ALL
)
"""
_NAMES = """
SELECT object, timeline, bucket, kind, name, sum(d) AS dn FROM (
    SELECT object, timeline, bucket, kind, name, toInt64(uniqExact(post_id)) AS d FROM (
        SELECT arrayJoin(objects) AS object, e.object_id AS named, timeline,
            toDateTime(toStartOfHour(created_at), 'UTC') AS bucket, toString(type) AS kind, name, post_id
        FROM entities AS e
    ) WHERE object != named GROUP BY ALL
    UNION ALL
    SELECT object_id, timeline, bucket, toString(type), name, -toInt64(sum(posts))
    FROM entities_1h GROUP BY ALL
)
GROUP BY ALL HAVING dn != 0
"""
_ROLLUPS = {
    "mentions_5m": "toStartOfFiveMinutes",
    "mentions_1h": "toStartOfHour",
    "mentions_1d": "toStartOfDay",
}

CELLS = {
    **{table: _MENTIONS.format(table=table, start=start) for table, start in _ROLLUPS.items()},
    **{f"{table} (authors)": _AUTHORS.format(table=table, start=start) for table, start in _ROLLUPS.items()},
    "entities_1h": _NAMES,
    "post_ids": "SELECT id FROM posts WHERE id NOT IN (SELECT id FROM post_ids)",
    "mention_ids": """
        SELECT concat(post_id, '#', object_id) AS key FROM mentions
        WHERE key NOT IN (SELECT id FROM mention_ids)
    """,
}
"""Each gives the cells of a rollup that are not what the base table says: none, where all is well."""

PER_COPY = {
    "mentions": """
        SELECT timeline, object_id, toString(label), toString(created_at), count(), round(sum(p_negative), 3)
        FROM mentions GROUP BY ALL
    """,
    "names": "SELECT timeline, toString(type), normal, count() FROM entities GROUP BY ALL",
}
SPIKES = """
    SELECT timeline, object_id, toString(resolution), signal, dimension, value, revision, toString(status),
        toString(severity), toString(opened_at), toString(started_at), toString(updated_at),
        toString(resolved_at), score, peak_score, negatives, expected_negatives, total, expected_total,
        authors, late, reach, top_sources.source, top_sources.negatives
    FROM spikes
"""
"""What copies of one story have in common: timeline first. Words and examples are drawn by the names of
posts, which differ from copy to copy."""
