"""Which version of a post goes where: a model of ClickHouse, random deliveries, crashes and take-overs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sink.rows import Entry
from pipeline.sink.tables import POSTS
from pipeline.sink.versions import Version, place, to_ask

KEYS = "ab"
VERSIONS = st.tuples(st.sampled_from(KEYS), st.integers(0, 3))
BATCHES = st.lists(st.lists(VERSIONS, min_size=1, max_size=5), max_size=8)
CRASHES = st.lists(st.sampled_from(["none", "before", "between", "after"]), min_size=8, max_size=8)


class Tables:
    """What ClickHouse would hold: rows of the table and of its revisions, deduplicated by token."""

    def __init__(self) -> None:
        self.table: dict[tuple[int, str], list[Entry]] = {}
        self.later: dict[tuple[int, str], list[Entry]] = {}

    def write(self, delivered: Sequence[tuple[str, int]], batch: int, *, resumed: bool, crash: str) -> None:
        """Store a batch as the writer does; ``crash`` says where it dies."""
        entries = [entry(key, revision, at) for at, (key, revision) in enumerate(delivered)]
        stored = self._stored({each.key for each in entries})
        versions = self._versions(to_ask(entries, stored))
        chosen = place(entries, stored, versions, {batch} if resumed else ())
        if crash == "before":
            return
        self.table.setdefault((batch, "t"), [each for each in chosen if each.counted])
        if crash != "between":
            self.later.setdefault(
                (batch, "t"), [each for each in chosen if each.revision or not each.counted]
            )

    def _stored(self, keys: set[str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for (batch, _), rows in self.table.items():
            for row in rows:
                if row.key in keys:
                    found[row.key].append(batch)
        return found

    def _versions(self, keys: Sequence[str]) -> dict[str, list[Version]]:
        found: dict[str, list[Version]] = defaultdict(list)
        for (batch, _), rows in self.later.items():
            for row in rows:
                if row.key in keys:
                    found[row.key].append(Version(row.revision, row.counted, [batch]))
        return found


def entry(key: str, revision: int, offset: int) -> Entry:
    return Entry(offset, POSTS, key, {}, (), datetime(2026, 1, 1, tzinfo=UTC), revision)


@given(BATCHES, CRASHES)
def test_every_version_is_stored_once_and_every_post_counts_once(
    batches: list[list[tuple[str, int]]], crashes: list[str]
) -> None:
    tables = Tables()
    for number, (delivered, crash) in enumerate(zip(batches, crashes, strict=False)):
        tables.write(delivered, number, resumed=False, crash=crash)
        if crash != "none":
            tables.write(delivered, number, resumed=True, crash="none")
    first: dict[str, int] = {}
    for key, revision in (version for batch in batches for version in batch):
        first.setdefault(key, revision)
    counted = Counter((row.key, row.revision) for rows in tables.table.values() for row in rows)
    assert counted == Counter(first.items())
    later = [row for rows in tables.later.values() for row in rows]
    kept = [(row.key, row.revision) for row in later]
    kept += [version for version in counted if version[1] == 0]
    assert Counter(kept) == Counter({version for batch in batches for version in batch})
    assert {(row.key, row.revision) for row in later if row.counted} == {
        version for version in counted if version[1]
    }


def test_only_what_is_edited_or_repeated_is_asked_for() -> None:
    entries = [entry("a", 0, 0), entry("b", 0, 1), entry("c", 4, 2), entry("b", 0, 3), entry("d", 0, 4)]
    assert to_ask(entries, {"d": [1]}) == ["c", "b", "d"]
    assert to_ask(entries[:2], {}) == []
