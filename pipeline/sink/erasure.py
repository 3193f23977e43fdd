"""Erases what deleted posts said, and who said it, from ClickHouse; their ids, dates and counts stay.

For ``molva erase``. Every step may be repeated: what is erased already is not looked at again, so a run that
was killed is ended by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pipeline.sink.replicated import ALL

CHUNK: Final = 1_000
"""Ids in one statement: ClickHouse parses at most 256 KiB."""
_AUTHOR: Final = {"author_id": "''", "author_name": "''", "author_handle": "''"}
_POST: Final = {
    **dict.fromkeys(("text", "url", "extras", "author_bio"), "''"),
    **_AUTHOR,
    "author_created_at": "NULL",
    "type_evidence": "[]",
    "fingerprint": "[]",
    "`media.url`": "arrayMap(x -> '', `media.url`)",
    "`media.alt`": "arrayMap(x -> '', `media.alt`)",
}
_MENTION: Final = {
    **dict.fromkeys(("excerpt", "url"), "''"),
    **_AUTHOR,
    "names": "[]",
    "`spans.text`": "arrayMap(x -> '', `spans.text`)",
}
_QUOTED: Final = "arrayConcat(`top_posts.post_id`, `representative.post_id`, [first_post_id])"
_QUOTES: Final = "arrayConcat(`top_posts.excerpt`, `representative.excerpt`, [first_post_excerpt])"


@dataclass(frozen=True)
class Place:
    """A table that holds what posts said."""

    table: str
    key: str
    """The column that names the post."""
    filled: str
    """SQL: there is still something to erase in the row."""
    cleared: Mapping[str, str] = field(default_factory=dict)
    """Column -> what it becomes; empty: the rows go."""


PLACES: Final = (
    *(
        Place(name, "id", "(text, author_id, url, extras) != ('', '', '', '')", _POST)
        for name in ("posts", "post_revisions")
    ),
    *(
        Place(name, "post_id", "(excerpt, author_id, url) != ('', '', '')", _MENTION)
        for name in ("mentions", "mention_revisions")
    ),
    Place("entities", "post_id", "true"),
)
KEPT_BY_REPROCESS: Final = "old_"


class Erasure:
    """One run on one database.

    Args:
        client: a clickhouse-driver client of a user who may alter the tables.
        cluster: where tables are replicated, the ClickHouse cluster; empty: one server.
        until: posts that were deleted before it are erased.
    """

    def __init__(self, client: Any, cluster: str, until: datetime) -> None:
        self._client = client
        self._everywhere = f" ON CLUSTER {cluster}" if cluster else ""
        self._all = ALL if cluster else ""
        self._until = {"until": until}
        self._deleted = f"SELECT id FROM {self._all}deletions WHERE deleted_at < %(until)s"

    def run(self, *, dry: bool = False) -> dict[str, int]:
        """Erase, and return when it is done.

        Args:
            dry: only count.

        Returns:
            Table -> rows of which something was to be erased; of spikes, how many spikes.
        """
        told: dict[str, int] = {}
        for place in self._places():
            told[place.table] = 0
            for month, ids in self._waiting(place):
                told[place.table] += len(ids)
                for some in () if dry else _chunks(ids):
                    self._erase(place, month, some)
        quoted = self._quoted()
        spikes = self._spikes_that_quote(quoted) if quoted else []
        told |= {"spikes": len(spikes), "alerts": self._alerts_about(spikes)}
        if not dry:
            self._erase_quotes(quoted, spikes)
        return told

    def _erase_quotes(self, posts: Sequence[str], spikes: Sequence[str]) -> None:
        """Incidents first: they are found by what their spikes still quote."""
        for some in _chunks(spikes):
            about = f"hasAny(`spikes.id`, {_array(some)})"
            self._alter("alerts", f"UPDATE text_ru = '', text_en = '' WHERE {about}")
        for some in _chunks(posts):
            self._alter("spikes", f"UPDATE {_unquoted(some)} WHERE hasAny({_QUOTED}, {_array(some)})")

    def _places(self) -> Iterator[Place]:
        """All that there are: `molva reprocess` keeps old rows beside the tables."""
        query = "SELECT name FROM system.tables WHERE database = currentDatabase()"
        there = {name for (name,) in self._client.execute(query)}
        for place in PLACES:
            yield place
            if (old := f"{KEPT_BY_REPROCESS}{place.table}") in there:
                yield Place(old, place.key, place.filled, place.cleared)

    def _waiting(self, place: Place) -> list[tuple[int, list[str]]]:
        """Month and ids of the rows that are to be erased."""
        query = f"""
            SELECT toYYYYMM(created_at) AS month, groupArray({place.key}) FROM {self._all}{place.table}
            WHERE {place.key} GLOBAL IN ({self._deleted}) AND ({place.filled})
            GROUP BY month ORDER BY month"""
        return [(month, ids) for month, ids in self._client.execute(query, self._until)]

    def _erase(self, place: Place, month: int, ids: Sequence[str]) -> None:
        where = f"IN PARTITION {month} WHERE {place.key} IN {_array(ids)}"
        if not place.cleared:
            self._alter(place.table, f"DELETE {where}")
            return
        cleared = ", ".join(f"{name} = {value}" for name, value in place.cleared.items())
        self._alter(place.table, f"UPDATE {cleared} {where}")

    def _quoted(self) -> list[str]:
        """Deleted posts that spikes quote."""
        query = f"""
            SELECT DISTINCT arrayJoin(arrayFilter((post, quote) -> quote != '', {_QUOTED}, {_QUOTES})) AS post
            FROM {self._all}spikes WHERE post GLOBAL IN ({self._deleted})"""
        return [post for (post,) in self._client.execute(query, self._until)]

    def _spikes_that_quote(self, posts: Sequence[str]) -> list[str]:
        query = f"SELECT DISTINCT id FROM {self._all}spikes WHERE hasAny({_QUOTED}, %(posts)s)"
        return [spike for (spike,) in self._client.execute(query, {"posts": list(posts)})]

    def _alerts_about(self, spikes: Sequence[str]) -> int:
        about = "text_en != '' AND hasAny(`spikes.id`, %(spikes)s)"
        query = f"SELECT count() FROM {self._all}alerts WHERE {about}"
        return int(self._client.execute(query, {"spikes": list(spikes)})[0][0]) if spikes else 0

    def _alter(self, table: str, change: str) -> None:
        settings = {"mutations_sync": 2}
        self._client.execute(f"ALTER TABLE {table}{self._everywhere} {change}", settings=settings)


def _unquoted(posts: Sequence[str]) -> str:
    """Assignments that empty what spikes quote of these posts."""
    ids = _array(posts)
    emptied = f"arrayMap((id, cell) -> if(has({ids}, id), '', cell)"
    made = [
        f"`{name}.{part}` = {emptied}, `{name}.post_id`, `{name}.{part}`)"
        for name in ("top_posts", "representative")
        for part in ("url", "excerpt", "author")
    ]
    made += [
        f"first_post_{part} = if(has({ids}, first_post_id), '', first_post_{part})"
        for part in ("url", "excerpt", "author")
    ]
    return ", ".join(made)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _array(ids: Sequence[str]) -> str:
    """An array literal: mutations take no parameters."""
    escaped = (value.replace("\\", "\\\\").replace("'", "\\'") for value in ids)
    return "[" + ", ".join(f"'{value}'" for value in escaped) + "]"
