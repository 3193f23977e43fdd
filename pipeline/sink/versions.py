"""Which records of a batch are new, and whether a version of a post goes to its table or to its revisions.

Pure: the writer asks ClickHouse what is stored, this decides (ADR 0008). A post, or a post about an object,
counts once: the first version that comes is the row of the table, whatever its revision; every other version
is a row of the revisions, where revisions above 0 of the table's own rows stand as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.sink.rows import Entry


class Version(NamedTuple):
    """A row of the revisions of a table."""

    revision: int
    counted: bool
    """It is the row of the table, too."""
    batches: Collection[int]
    """Hashes of the batches that stored it."""


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
        versions: key -> its rows in the revisions; of the keys of `to_ask`.
        own: hash of this batch where it is resumed: what it has stored counts as not there, so that the
            same rows are sent again and its token collapses them.
    """
    chosen: list[Entry] = []
    known: dict[str, set[int]] = {}
    for entry in entries:
        there = known.get(entry.key)
        if there is None:
            there = known[entry.key] = _known(
                stored.get(entry.key, ()), versions.get(entry.key, ()), frozenset(own)
            )
        if entry.revision in there:
            continue
        chosen.append(entry._replace(counted=False, entities=()) if there else entry)
        there.add(entry.revision)
    return chosen


def _known(stored: Collection[int], versions: Collection[Version], own: frozenset[int]) -> set[int]:
    """The versions that other batches stored; the table's row is revision 0 unless a version says no."""
    elsewhere = [version for version in versions if not own.issuperset(version.batches)]
    known = {version.revision for version in elsewhere}
    if not own.issuperset(stored) and not any(version.counted for version in elsewhere):
        known.add(0)
    return known
