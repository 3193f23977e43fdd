"""Erases what deleted posts said, and who said it, from ClickHouse; their ids, dates and counts stay.

For ``molva erase``. Every step may be repeated: what is erased already is not looked at again, so a run that
was killed is ended by the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pipeline.sink.mutations import Mutations, Told
from pipeline.sink.replicated import ALL

IDS_BYTES: Final = 150_000
"""What ids take in one statement: ClickHouse parses at most 256 KiB."""
_AUTHOR: Final = {"author_id": "''", "author_name": "''", "author_handle": "''"}
_CHANNEL: Final = {"channel_id": "''", "channel_name": "''"}
"""Cleared, too, where the channel is a person: the author's own account, or somebody's wall."""
_PEOPLE: Final = "NOT channel_own AND channel_kind IN ('account', 'profile')"
_THEMSELVES: Final = "NOT channel_own AND author_id != '' AND channel_id = author_id"
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
    personal: str = "false"
    """SQL: the channel is a person, to be erased as well; ``{posts}``: deleted posts on such channels."""
    channel: Mapping[str, str] = field(default_factory=dict)
    """Columns of the channel -> what they become then."""


PLACES: Final = (
    *(
        Place(
            name,
            "id",
            f"(text, author_id, url, extras) != ('', '', '', '') OR (channel_id != '' AND {_PEOPLE})",
            _POST,
            f"{_PEOPLE} OR {_THEMSELVES}",
            {**_CHANNEL, "channel_handle": "''"},
        )
        for name in ("posts", "post_revisions")
    ),
    *(
        Place(
            name,
            "post_id",
            "(excerpt, author_id, url) != ('', '', '')",
            _MENTION,
            f"{_THEMSELVES} OR post_id GLOBAL IN ({{posts}})",
            _CHANNEL,
        )
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
        told: hears how the rewriting of a table goes on.
    """

    def __init__(
        self, client: Any, cluster: str, until: datetime, told: Told = lambda table, parts: None
    ) -> None:
        self._client = client
        self._alter = Mutations(client, cluster, told).alter
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
        quoted, people = self._quoted(), self._people()
        spikes = self._spikes(_QUOTED, quoted) | self._spikes("`channels.channel`", people)
        events = self._alerts_about(spikes)
        if not dry:
            self._erase_quotes(quoted, people, sorted(spikes))
        told: dict[str, int] = {}
        for place in self._places():
            told[place.table] = 0
            for month, personal, rows, ids in self._waiting(place):
                told[place.table] += rows
                for some in () if dry else _chunks(ids):
                    self._erase(place, month, personal, some)
        return told | {"spikes": len(spikes), "alerts": events}

    def _erase_quotes(self, posts: Sequence[str], people: Sequence[str], spikes: Sequence[str]) -> None:
        """Incidents first: they are found by what their spikes still say."""
        for some in _chunks(spikes):
            about = f"hasAny(`spikes.id`, {_array(some)})"
            self._alter("alerts", f"UPDATE text_ru = '', text_en = '' WHERE {about}")
        for some in _chunks(posts, copies=10):
            self._alter("spikes", f"UPDATE {_unquoted(some)} WHERE hasAny({_QUOTED}, {_array(some)})")
        for some in _chunks(people, copies=3):
            self._alter("spikes", f"UPDATE {_unnamed(some)} WHERE hasAny(`channels.channel`, {_array(some)})")

    def _places(self) -> Iterator[Place]:
        """All that there are: `molva reprocess` keeps old rows beside the tables."""
        query = "SELECT name FROM system.tables WHERE database = currentDatabase()"
        there = {name for (name,) in self._client.execute(query)}
        for place in PLACES:
            yield place
            if (old := f"{KEPT_BY_REPROCESS}{place.table}") in there:
                yield replace(place, table=old)

    def _waiting(self, place: Place) -> list[tuple[int, bool, int, list[str]]]:
        """Month, whether the channel is a person, number and ids of the rows that are to be erased."""
        posts = f"SELECT id FROM {self._all}posts WHERE {_PEOPLE} AND id GLOBAL IN ({self._deleted})"
        query = f"""
            SELECT toYYYYMM(created_at) AS month, {place.personal.format(posts=posts)} AS personal,
                count(), groupUniqArray({place.key})
            FROM {self._all}{place.table}
            WHERE {place.key} GLOBAL IN ({self._deleted}) AND ({place.filled})
            GROUP BY month, personal ORDER BY month, personal"""
        found = self._client.execute(query, self._until)
        return [(month, bool(personal), rows, sorted(ids)) for month, personal, rows, ids in found]

    def _erase(self, place: Place, month: int, personal: bool, ids: Sequence[str]) -> None:
        where = f"IN PARTITION {month} WHERE {place.key} IN {_array(ids)}"
        if not place.cleared:
            self._alter(place.table, f"DELETE {where}")
            return
        becomes = {**place.cleared, **(place.channel if personal else {})}
        cleared = ", ".join(f"{name} = {value}" for name, value in becomes.items())
        self._alter(place.table, f"UPDATE {cleared} {where}")

    def _quoted(self) -> list[str]:
        """Deleted posts that spikes quote."""
        query = f"""
            SELECT DISTINCT arrayJoin(arrayFilter((post, quote) -> quote != '', {_QUOTED}, {_QUOTES})) AS post
            FROM {self._all}spikes WHERE post GLOBAL IN ({self._deleted})"""
        return [post for (post,) in self._client.execute(query, self._until)]

    def _people(self) -> list[str]:
        """Authors of deleted posts as spikes name them where they are channels: ``<source>:<channel id>``."""
        query = f"""
            SELECT DISTINCT concat(source, ':', channel_id) FROM {self._all}posts
            WHERE id GLOBAL IN ({self._deleted}) AND channel_id != '' AND ({_PEOPLE} OR {_THEMSELVES})"""
        return sorted(name for (name,) in self._client.execute(query, self._until))

    def _spikes(self, array: str, asked: Sequence[str]) -> set[str]:
        """Ids of the spikes of which the array has any of what is asked for."""
        query = f"SELECT DISTINCT id FROM {self._all}spikes WHERE hasAny({array}, %(some)s)"
        chunks = (self._client.execute(query, {"some": list(some)}) for some in _chunks(asked))
        return {spike for rows in chunks for (spike,) in rows}

    def _alerts_about(self, spikes: Collection[str]) -> int:
        """How many events of incidents still tell of these spikes."""
        about = "text_en != '' AND hasAny(`spikes.id`, %(some)s)"
        query = f"SELECT id, revision FROM {self._all}alerts WHERE {about}"
        chunks = (self._client.execute(query, {"some": list(some)}) for some in _chunks(sorted(spikes)))
        return len({event for rows in chunks for event in rows})


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


def _unnamed(channels: Sequence[str]) -> str:
    """Assignments that empty what spikes say of these channels but their counts."""
    ids = _array(channels)
    emptied = f"arrayMap((id, cell) -> if(has({ids}, id), '', cell), `channels.channel`"
    return ", ".join(f"`channels.{part}` = {emptied}, `channels.{part}`)" for part in ("channel", "name"))


def _chunks(ids: Sequence[str], copies: int = 1) -> Iterator[Sequence[str]]:
    """The ids in pieces of which a statement can hold so many copies."""
    some: list[str] = []
    size = 0
    for each in ids:
        takes = copies * len(_array([each]).encode())
        if some and size + takes > IDS_BYTES:
            yield some
            some, size = [], 0
        some.append(each)
        size += takes
    if some:
        yield some


def _array(ids: Sequence[str]) -> str:
    """An array literal: mutations take no parameters."""
    escaped = (value.replace("\\", "\\\\").replace("'", "\\'") for value in ids)
    return "[" + ", ".join(f"'{value}'" for value in escaped) + "]"
