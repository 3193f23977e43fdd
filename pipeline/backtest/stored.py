"""Counts from ClickHouse: the public's mentions per object and bucket, as the rollups hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from clickhouse_driver import Client

from pipeline.backtest.counts import Counts
from pipeline.core.windows import moment
from schemas.spike import Resolution

ROLLUPS: Final[dict[Resolution, str]] = {"5m": "mentions_5m", "1h": "mentions_1h", "1d": "mentions_1d"}

_QUERY: Final = """
SELECT object_id, toUnixTimestamp(bucket) AS second, sum(negatives), sum(mentions)
FROM {table}
WHERE {conditions}
GROUP BY object_id, bucket
ORDER BY object_id, bucket
"""


def count_stored(client: Client, counts: Counts, timeline: str, on_row: Callable[[], object]) -> None:
    """Add what is stored of the period and the objects of ``counts``; own posts are left out.

    Raises:
        clickhouse_driver.errors.Error: ClickHouse cannot be reached, or its schema is older than Molva.
    """
    conditions = ["NOT own", "timeline = %(timeline)s"]
    values: dict[str, Any] = {"timeline": timeline}
    if counts.objects:
        conditions.append("object_id IN %(objects)s")
        values["objects"] = tuple(sorted(counts.objects))
    if counts.period.first:
        conditions.append("bucket >= %(first)s")
        values["first"] = moment(counts.period.first)
    if counts.period.until is not None:
        conditions.append("bucket < %(until)s")
        values["until"] = moment(counts.period.until)
    query = _QUERY.format(table=ROLLUPS[counts.resolution], conditions=" AND ".join(conditions))
    for name, second, negative, total in client.execute_iter(
        query, values, settings={"max_block_size": 65_536}
    ):
        counts.add(name, int(second), int(negative), int(total))
        on_row()


def timelines(client: Client) -> list[str]:
    """The timelines that have mentions, those with most first: for a message that helps."""
    query = "SELECT timeline FROM mentions_1d GROUP BY timeline ORDER BY sum(mentions) DESC LIMIT 20"
    return [name for (name,) in client.execute(query)]
