"""Counts per object and bucket of a past period: what every input of a backtest is turned into."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from pipeline.core.windows import DAY, STEPS, bucket
from schemas.mention import ObjectKind
from schemas.spike import Resolution

LEAD_DAYS: Final = 28
"""Days before the period that are learned from: four visits of every hour of the week."""


class Bucket(NamedTuple):
    """Counts of one object in one bucket; ``start`` in seconds since 1970."""

    start: int
    negative: int
    total: int


class Period(NamedTuple):
    """What is reported: ``since`` <= opening bucket < ``until``, seconds since 1970; None: no bound.

    The ``lead`` days before it are judged too, so that the baseline is known, but not reported.
    """

    since: int | None = None
    until: int | None = None
    lead: int = LEAD_DAYS

    def reads(self, second: int) -> bool:
        """True where counts of this moment are used at all."""
        return self.first <= second < (self.until if self.until is not None else second + 1)

    @property
    def first(self) -> int:
        """Where reading begins; 0 without a lower bound."""
        return 0 if self.since is None else max(0, self.since - self.lead * DAY)


class Series(NamedTuple):
    """One object: its buckets with mentions, in time order, and where judging ends (exclusive)."""

    name: str
    buckets: tuple[Bucket, ...]
    end: int
    plain: bool = False
    """True where only how many is known: every mention stands as a negative one."""
    kind: ObjectKind = "brand"
    """What a new object of this kind is expected to be like (`pipeline.core.cold_start`)."""


class Counts:
    """Counts of many objects, collected in any order.

    Args:
        resolution: length of the buckets; what is finer is added up.
        period: moments outside of it (and of its lead) are passed over.
        objects: the objects to count; empty: all.
    """

    def __init__(self, resolution: Resolution, period: Period, objects: Collection[str] = ()) -> None:
        self.resolution = resolution
        self.period = period
        self.objects = frozenset(objects)
        self.plain = False
        """True where the input tells only how many: set by whoever reads it."""
        self.kinds: dict[str, ObjectKind] = {}
        """By object; one that is not in it counts as a brand."""
        self.notes: list[str] = []
        """What whoever reads the result should know of the input."""
        self._step = STEPS[resolution]
        self._cells: dict[str, dict[int, tuple[int, int]]] = {}

    def wants(self, name: str, second: int) -> bool:
        """True where mentions of this object at this moment are counted."""
        return (not self.objects or name in self.objects) and self.period.reads(second)

    def add(self, name: str, second: int, negative: int, total: int) -> None:
        """Count mentions of an object at a moment; what is not wanted is passed over."""
        if not self.wants(name, second):
            return
        start = bucket(second, self._step)
        cells = self._cells.setdefault(name, {})
        known = cells.get(start, (0, 0))
        cells[start] = (known[0] + negative, known[1] + total)

    def __bool__(self) -> bool:
        return bool(self._cells)

    @property
    def end(self) -> int:
        """End of the newest bucket of all objects; the period's where that is earlier. 0: nothing counted."""
        newest = max((max(cells) for cells in self._cells.values()), default=-self._step) + self._step
        return newest if self.period.until is None else min(newest, self.period.until)

    def series(self) -> list[Series]:
        """Every object's buckets, objects by name; all are judged up to the same `end`."""
        end = self.end
        return [
            Series(
                name,
                tuple(Bucket(start, *cell) for start, cell in sorted(cells.items())),
                end,
                self.plain,
                self.kinds.get(name, "brand"),
            )
            for name, cells in sorted(self._cells.items())
        ]
