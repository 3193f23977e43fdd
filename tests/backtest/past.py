"""Pasts for the tests of backtests: quiet objects with bursts, written for the project."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pipeline.backtest.counts import Counts, Period
from pipeline.core.windows import HOUR, iso
from schemas.spike import Resolution

START = 1_406_505_600
"""2014-07-28T00:00:00Z."""
DAYS = 24
Row = tuple[int, int, int]
"""Second, negative, total."""
QUIET = [(1, 6), (0, 5), (2, 7)]


def hours(days: int, bursts: Collection[int] = ()) -> list[Row]:
    """Rows ``(second, negative, total)`` of quiet hours with thirty negatives in the hours ``bursts``."""
    rows = []
    for hour in range(24 * days):
        negative, total = (30, 36) if hour in bursts else QUIET[hour % 3]
        rows.append((START + HOUR * hour, negative, total))
    return rows


def csv(name: str, rows: Iterable[Row]) -> list[str]:
    """The rows as lines of a CSV without a header."""
    return [f"{name},{iso(second)},{negative},{total}\n" for second, negative, total in rows]


def counted(
    objects: dict[str, list[Row]],
    resolution: Resolution = "1h",
    period: Period | None = None,
) -> Counts:
    """The rows of several objects as counts."""
    counts = Counts(resolution, period or Period())
    for name, rows in objects.items():
        for row in rows:
            counts.add(name, *row)
    return counts
