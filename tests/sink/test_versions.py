"""Which version of a post goes where: a model of ClickHouse, random deliveries, crashes and take-overs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sink.rows import Entry
from pipeline.sink.tables import MENTIONS, POSTS
from pipeline.sink.versions import Version, place, to_ask

KEYS = "ab"
VERSIONS = st.tuples(st.sampled_from(KEYS), st.integers(0, 3))
BATCHES = st.lists(st.lists(VERSIONS, min_size=1, max_size=5), max_size=8)
CRASH = st.sampled_from(["none", "before", "between", "after"])
CRASHES = st.lists(CRASH, min_size=8, max_size=8)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Tables:
    """What ClickHouse would hold: rows of the table and of its revisions, deduplicated by token."""

    def __init__(self) -> None:
        self.table: dict[int, list[Entry]] = {}
        self.later: dict[int, list[Entry]] = {}

    def write(self, entries: Sequence[Entry], batch: int, *, resumed: bool, crash: str) -> None:
        """Store a batch as the writer does; ``crash`` says where it dies."""
        stored = self._stored({each.key for each in entries})
        versions = self._versions(entries, stored)
        chosen = place(entries, stored, versions, {batch} if resumed else ())
        if crash == "before":
            return
        self.table.setdefault(batch, [each for each in chosen if each.counted])
        if crash != "between":
            self.later.setdefault(batch, [each for each in chosen if each.revision or not each.counted])

    def store(self, batches: Iterable[Sequence[Entry]], crashes: Iterable[str]) -> None:
        """Store batch after batch; one that crashes is repeated by the next owner."""
        for number, (entries, crash) in enumerate(zip(batches, crashes, strict=False)):
            self.write(entries, number, resumed=False, crash=crash)
            if crash != "none":
                self.write(entries, number, resumed=True, crash="none")

    def versions_of(self, key: str) -> list[Entry]:
        """All that is stored of a post, by revision."""
        rows = {each.revision: each for kept in (self.table, self.later) for each in _rows(kept, {key})}
        return [rows[revision] for revision in sorted(rows)]

    def _stored(self, keys: set[str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for batch, rows in self.table.items():
            for row in _rows({batch: rows}, keys):
                found[row.key].append(batch)
        return found

    def _versions(self, entries: Sequence[Entry], stored: dict[str, list[int]]) -> dict[str, list[Version]]:
        found: dict[str, list[Version]] = defaultdict(list)
        edited = {entry.key for entry in entries if entry.revision and entry.key in stored}
        for kept, keys in ((self.later, set(to_ask(entries, stored))), (self.table, edited)):
            for batch in kept:
                for row in _rows({batch: kept[batch]}, keys):
                    counted = row.counted or kept is self.table
                    found[row.key].append(Version(row.revision, counted, [batch], row.row))
        return found


def _rows(kept: dict[int, list[Entry]], keys: set[str]) -> Iterator[Entry]:
    return (row for rows in kept.values() for row in rows if row.key in keys)


def entry(key: str, revision: int, offset: int, text: str = "", *, dated: bool = True, **cells: Any) -> Entry:
    """A version; its source tells when it was made, or it is dated when it was noticed."""
    row: dict[str, Any] = {
        "revision": revision,
        "edited_at": NOW - timedelta(days=1) if dated else None,
        "collected_at": NOW,
        "text": text,
        "rating": None,
        "media.kind": [],
        "media.url": [],
        "media.alt": [],
        "objects": [],
    }
    return Entry(offset, POSTS, key, row | cells, (), NOW, revision)


@settings(deadline=None)
@given(BATCHES, CRASHES)
def test_every_version_is_stored_once_and_every_post_counts_once(
    batches: list[list[tuple[str, int]]], crashes: list[str]
) -> None:
    tables = Tables()
    tables.store(
        ([entry(*version, at) for at, version in enumerate(delivered)] for delivered in batches), crashes
    )
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


class Found(NamedTuple):
    """A version as an agent publishes it."""

    revision: int
    text: str
    dated: bool = False


@st.composite
def looks(draw: st.DrawFn) -> list[Found]:
    """What agents publish of a post that its author edits: two date an edit when they notice it, one is told.

    Each publishes what it sees for the first time, and after a crash its last finding once more.
    """
    text, edited, published = "x", 0, [Found(0, "x", dated=True)]
    seen = ["x", "x", "x"]
    for clock in range(10, 10 * (2 + draw(st.integers(0, 12))), 10):
        agent = draw(st.integers(0, 2))
        match draw(st.sampled_from(["edit", "look", "crash"])):
            case "edit":
                text, edited = draw(st.sampled_from("xyz")), clock
            case "look" if seen[agent] != text:
                seen[agent] = text
                told = agent == 2
                published.append(Found(edited + 1 if told else clock + 2, text, dated=told))
            case "crash" if seen[agent] == text and edited and agent != 2:
                published.append(Found(clock + 2, text))
    return published


def entries_of(published: Sequence[Found]) -> list[Entry]:
    return [entry("a", each.revision, at, each.text, dated=each.dated) for at, each in enumerate(published)]


def split(entries: Sequence[Entry], sizes: Iterable[int]) -> Iterator[Sequence[Entry]]:
    at = 0
    for size in sizes:
        yield entries[at : at + size]
        at += size
    yield entries[at:]


SIZES = st.lists(st.integers(1, 4), max_size=6)


@settings(deadline=None)
@given(looks(), st.randoms(use_true_random=False), st.booleans(), SIZES, CRASHES)
def test_an_edit_that_is_found_twice_is_one_version_in_any_order(
    published: list[Found], random: Any, shuffled: bool, sizes: list[int], crashes: list[str]
) -> None:
    if shuffled:
        random.shuffle(published)
    entries = entries_of(published)
    one_by_one, tables = Tables(), Tables()
    one_by_one.store(([each] for each in entries), ["none"] * len(entries))
    tables.store(split(entries, sizes), crashes)
    kept = tables.versions_of("a")
    assert kept == one_by_one.versions_of("a"), "batches and crashes change nothing"
    assert sum(map(len, tables.table.values())) == 1
    for one, other in pairwise(kept):
        dated = bool(one.row["edited_at"] and other.row["edited_at"])
        first_came_later = one.revision == 0 and one.offset > other.offset
        assert dated or first_came_later or one.row["text"] != other.row["text"]
    assert {each.row["text"] for each in kept} == {each.text for each in published}


@settings(deadline=None)
@given(looks(), SIZES, CRASHES)
def test_the_history_is_what_one_agent_saw(
    published: list[Found], sizes: list[int], crashes: list[str]
) -> None:
    undated = [each for each in published if not each.dated or not each.revision]
    tables = Tables()
    tables.store(split(entries_of(undated), sizes), crashes)
    kept = [each.row["text"] for each in tables.versions_of("a")]
    assert kept == [text for text, _ in groupby(each.text for each in undated)]


def stored_of(*published: Found) -> list[int]:
    tables = Tables()
    tables.store(([each] for each in entries_of(published)), ["none"] * len(published))
    return [each.revision for each in tables.versions_of("a")]


def test_which_of_two_findings_stays() -> None:
    first = Found(0, "x", dated=True)
    assert stored_of(first, Found(5, "y"), Found(7, "y")) == [0, 5], "a crash before the cursor"
    assert stored_of(first, Found(7, "y"), Found(5, "y")) == [0, 7], "two agents"
    assert stored_of(first, Found(7, "y"), Found(3, "y", dated=True)) == [0, 7], "one of them is told when"
    assert stored_of(first, Found(5, "x")) == [0], "what changed is nothing that is kept"
    assert stored_of(first, Found(5, "y"), Found(7, "x"), Found(9, "y")) == [0, 5, 7, 9]
    assert stored_of(first, Found(3, "x", dated=True), Found(4, "x", dated=True)) == [0, 3, 4]
    assert stored_of(Found(5, "y"), Found(0, "y", dated=True)) == [0, 5], "the first version is always kept"


def test_a_post_without_its_row_counts_though_a_later_version_is_stored() -> None:
    """ClickHouse had rejected the first version, and its dead letter was replayed."""
    (first,) = place([entry("a", 0, 0)], {}, {"a": [Version(5, False, [1])]}, ())
    assert first.counted


def test_mentions_keep_the_versions_of_their_posts() -> None:
    mentions = [
        entry("a", revision, revision, dated=False)._replace(table=MENTIONS) for revision in (0, 5, 7)
    ]
    assert len(place(mentions, {}, {}, ())) == 3


def test_only_what_is_edited_or_repeated_is_asked_for() -> None:
    entries = [entry("a", 0, 0), entry("b", 0, 1), entry("c", 4, 2), entry("b", 0, 3), entry("d", 0, 4)]
    assert to_ask(entries, {"d": [1]}) == ["c", "b", "d"]
    assert to_ask(entries[:2], {}) == []
