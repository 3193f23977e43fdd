"""What ClickHouse holds of the posts that `tests.demo_sources` published, and the table of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.demo_sources.place import EDITED, Place

MARKER = r"demo-[a-z-]+-[0-9]+\\."
STORED = f"""
    SELECT extract(text, '{MARKER}') AS marker, count(), uniqExact(id) FROM posts
    WHERE marker != '' GROUP BY marker
"""
NEWEST = f"""
    SELECT extract(text, '{MARKER}') AS marker, revision > 0 AND position(text, '{EDITED}') > 0,
           deleted_at IS NOT NULL
    FROM latest_posts WHERE marker != ''
"""
VERSIONS = f"""
    SELECT extract(text, '{MARKER}') AS marker, count() FROM post_revisions
    WHERE marker != '' AND position(text, '{EDITED}') > 0 GROUP BY marker
"""
REFUSED = "SELECT stage, reason, any(detail), count() FROM dead_letters GROUP BY stage, reason"
Rows = Callable[[str], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True)
class Stored:
    """By marker: rows of ``posts``, and of its revisions after the edit; which are edited, which deleted."""

    rows: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    edited: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    refused: Sequence[tuple[Any, ...]] = ()

    def count(self, place: Place) -> int:
        return sum(marker in self.rows for marker in place.published)

    def twice(self, place: Place) -> list[str]:
        """Posts that are there twice, or whose one edit is."""
        return [marker for marker in place.published if max(self._held(marker)) > 1]

    def _held(self, marker: str) -> tuple[int, int]:
        return self.rows.get(marker, 0), self.versions.get(marker, 0)

    def has(self, place: Place) -> bool:
        """Whether everything that was published, edited and deleted is there."""
        return (
            self.count(place) == len(place.published)
            and place.edited <= self.edited & self.versions.keys()
            and place.deleted <= self.deleted
        )


def look(rows: Rows) -> Stored:
    """Ask ClickHouse."""
    newest = rows(NEWEST)
    return Stored(
        {marker: max(int(count), int(ids)) for marker, count, ids in rows(STORED)},
        {marker: int(count) for marker, count in rows(VERSIONS)},
        frozenset(marker for marker, edited, _ in newest if edited),
        frozenset(marker for marker, _, deleted in newest if deleted),
        rows(REFUSED),
    )


def show(places: Sequence[Place], stored: Stored, seconds: Mapping[str, float]) -> None:
    """Print the table: a row for each source."""
    table = Table(title="Posts of every source in ClickHouse")
    for name in ("source", "published", "in ClickHouse", "twice", "edits", "deletions", "seconds"):
        table.add_column(name, justify="left" if name == "source" else "right")
    for place in places:
        took = seconds.get(place.kind)
        table.add_row(
            place.kind,
            str(len(place.published)),
            str(stored.count(place)),
            str(len(stored.twice(place))),
            _of(place.edited, stored.edited),
            _of(place.deleted, stored.deleted),
            "never" if took is None else f"{took:.0f}",
        )
    Console(width=100).print(table)


def mistakes(places: Sequence[Place], stored: Stored) -> list[str]:
    """A line for each source that is not there exactly once."""
    found = []
    for place in places:
        lost = [marker for marker in place.published if marker not in stored.rows]
        problems = {
            "lost": lost,
            "twice": stored.twice(place),
            "edit not seen": sorted(place.edited - stored.edited),
            "deletion not seen": sorted(place.deleted - stored.deleted),
        }
        found += [f"{place.kind}: {what}: {', '.join(each)}" for what, each in problems.items() if each]
    return [*found, *(f"dead letters: {' '.join(map(str, each))}" for each in stored.refused)]


def _of(wanted: set[str], got: frozenset[str]) -> str:
    return f"{len(wanted & got)} of {len(wanted)}" if wanted else "-"
