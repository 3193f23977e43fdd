"""Which records of a batch are new, and whether a version of a post goes to its table or to its revisions.

Pure: the writer asks ClickHouse what is stored, this decides (ADR 0008). A post, or a post about an object,
counts once: the first version that comes is the row of the table, whatever its revision; every other version
is a row of the revisions, where revisions above 0 of the table's own rows stand as well. What is found twice
because its source dates no edits is one version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pipeline.sink.cells import Row
from pipeline.sink.rows import Entry

NOTICED: Final = timedelta(seconds=1)
"""A revision no older than this at its collection is when the edit was noticed, not when it was made."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Version(NamedTuple):
    """A stored row: of a table's revisions, or of the table itself."""

    revision: int
    counted: bool
    """It is the row of the table."""
    batches: Collection[int]
    """Hashes of the batches that stored it."""
    row: Row | None = None
    """Its `Table.content`; None: not known."""


def to_ask(entries: Sequence[Entry], stored: Mapping[str, object]) -> list[str]:
    """The keys of which it matters what versions are stored: few, as few posts are edited or repeated."""
    seen: set[str] = set()
    asked: dict[str, None] = {}
    for entry in entries:
        if entry.revision or entry.key in stored or entry.key in seen:
            asked[entry.key] = None
        seen.add(entry.key)
    return list(asked)


def place(
    entries: Iterable[Entry],
    stored: Mapping[str, Collection[int]],
    versions: Mapping[str, Collection[Version]],
    own: Collection[int],
) -> list[Entry]:
    """The entries that belong into ClickHouse, each with the table that it goes to.

    Args:
        entries: of one table, in the order of their offsets.
        stored: key -> hashes of the batches that stored its row in the table.
        versions: key -> its rows in the revisions, and that of the table where an edit is to be compared with
            it; of the keys of `to_ask`.
        own: hash of this batch where it is resumed: what it has stored counts as not there, so that the
            same rows are sent again and its token collapses them.
    """
    chosen: list[Entry] = []
    known: dict[str, _Known] = {}
    for entry in entries:
        there = known.get(entry.key)
        if there is None:
            there = known[entry.key] = _Known(
                stored.get(entry.key, ()), versions.get(entry.key, ()), frozenset(own)
            )
        if entry.revision in there.versions or there.says(entry):
            continue
        chosen.append(entry._replace(counted=False, entities=()) if there.counted else entry)
        there.add(entry)
    return chosen


class _Known:
    """The versions of one post that other batches stored, and those of this batch so far."""

    def __init__(self, stored: Collection[int], versions: Collection[Version], own: frozenset[int]) -> None:
        elsewhere = [version for version in versions if not own.issuperset(version.batches)]
        self.counted = not own.issuperset(stored)
        """The table has its row."""
        self.versions: dict[int, Row | None] = {}
        for version in elsewhere:
            self.versions[version.revision] = version.row or self.versions.get(version.revision)
        if self.counted and not any(version.counted for version in elsewhere):
            self.versions.setdefault(0, None)  # the table's row is revision 0 unless a version says no

    def add(self, entry: Entry) -> None:
        self.versions[entry.revision] = entry.row if entry.table.content else None
        self.counted = True

    def says(self, entry: Entry) -> bool:
        """Whether an edit is a neighbour found once more, under the moment of its finding."""
        if not entry.revision or not entry.table.content:
            return False
        older = max((each for each in self.versions if each < entry.revision), default=None)
        newer = min((each for each in self.versions if each > entry.revision), default=None)
        beside = (self.versions[each] for each in (older, newer) if each is not None)
        return any(_repeats(entry.row, other) for other in beside if other is not None)


def _repeats(one: Row, other: Row) -> bool:
    """Two dated versions are two, whatever they say: the source tells of both."""
    return not (_dated(one) and _dated(other)) and _content(one) == _content(other)


def _dated(row: Row) -> bool:
    """Whether the revision is the same whoever finds this version, and whenever."""
    if not row["revision"]:
        return True
    noticed = (row["collected_at"] - NOTICED - _EPOCH) // timedelta(milliseconds=1)
    return row["edited_at"] is not None and row["revision"] < noticed


def _content(row: Row) -> tuple[object, ...]:
    """What makes a version: what readers see and what it is about, not its counts nor how it was judged."""
    kinds, urls = row["media.kind"], row["media.url"]
    return (
        row["text"],
        None if row["rating"] is None else round(row["rating"], 3),
        [*zip(kinds, map(_file, kinds, urls), row["media.alt"], strict=True)],
        sorted(row["objects"]),
    )


def _file(kind: str, url: str) -> str:
    """The address of an attachment without the server and the signature, which change from day to day."""
    if kind == "link":
        return url
    try:
        return urlsplit(url).path
    except ValueError:
        return url
