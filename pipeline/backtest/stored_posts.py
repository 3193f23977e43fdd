"""Posts of a past period from ClickHouse, oldest first, for `pipeline.backtest.annotated`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from clickhouse_driver import Client

from pipeline.core.standing import by_account
from pipeline.core.windows import DAY, moment
from schemas import RawPost

BLOCK: Final = 2_000
"""Posts that are read, and given to the models, at a time."""

_COLUMNS: Final = (
    *("id", "source", "kind", "created_at", "collected_at", "text", "rating"),
    *("reply_to", "thread_root", "repost_of"),
    *("channel_id", "channel_name", "channel_handle", "channel_kind", "channel_own"),
    *("author_id", "author_name", "author_handle", "author_own"),
    *("spoken_by", "community_of"),
)
_WHERE: Final = "timeline = %(timeline)s AND created_at >= %(first)s AND created_at < %(until)s"
_HOW_MANY: Final = "SELECT count() FROM posts WHERE " + _WHERE
_POSTS: Final = f"SELECT {', '.join(_COLUMNS)} FROM posts WHERE {_WHERE} ORDER BY created_at, id"


def how_many(client: Client, timeline: str, first: int, until: int) -> int:
    """Posts of a timeline that are stored, from ``first`` to ``until`` (seconds since 1970).

    Raises:
        clickhouse_driver.errors.Error: ClickHouse cannot be reached, or its schema is older than Molva.
    """
    return int(client.execute(_HOW_MANY, _values(timeline, first, until))[0][0])


def stored_posts(client: Client, timeline: str, first: int, until: int) -> Iterator[list[RawPost]]:
    """The same posts, some at a time; asked day by day, so that no long span has to be sorted.

    Raises:
        clickhouse_driver.errors.Error: as `how_many`.
    """
    settings = {"max_block_size": BLOCK}
    for start in range(first, until, DAY):
        values = _values(timeline, start, min(until, start + DAY))
        for block in client.execute_iter(_POSTS, values, settings=settings, chunk_size=BLOCK):
            yield [_post(dict(zip(_COLUMNS, row, strict=True)), timeline) for row in block]


def _values(timeline: str, first: int, until: int) -> dict[str, Any]:
    return {"timeline": timeline, "first": moment(first), "until": moment(until)}


def _post(cells: dict[str, Any], timeline: str) -> RawPost:
    """The post of a row, as far as finding and judging its mentions needs it.

    ``author.own`` is what the agent told; whose accounts speak is today's watchlist's to say.
    """
    speaks, community = cells.pop("spoken_by"), cells.pop("community_of")
    if by_account(speaks, community, as_channel=cells["author_id"] == cells["channel_id"]):
        cells["author_own"] = False
    channel = _part(cells, "channel_")
    author = _part(cells, "author_")
    absent = {name: cells[name] or None for name in ("reply_to", "thread_root", "repost_of")}
    return RawPost.model_validate(
        cells | absent | {"timeline": timeline, "channel": channel, "author": author}
    )


def _part(cells: dict[str, Any], prefix: str) -> dict[str, Any] | None:
    """The nested part that the columns with this prefix hold; they leave ``cells``."""
    names = [name for name in cells if name.startswith(prefix)]
    part = {name.removeprefix(prefix): cells.pop(name) for name in names}
    return part if part["id"] else None
