"""A CSV of counts as `Counts`: the same rows as ``molva detect`` takes, in any order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pipeline.backtest.counts import Counts
from pipeline.core.windows import DAY, HOUR, STEPS, iso
from pipeline.detect_file import DetectFileError, rows

ENOUGH: Final = 48
"""Rows that all lie on the hour (or at midnight) before the buckets are thought to be that long."""


def count_rows(lines: Iterable[str], counts: Counts, on_row: Callable[[], object]) -> None:
    """Add every row of the CSV; rows of shorter buckets than the resolution's are added up.

    Args:
        on_row: called after each row, for progress.

    Raises:
        DetectFileError: a line is no row, or repeats an object's bucket; the message names the line.
    """
    seen: dict[tuple[str, int], int] = {}
    lengths = {HOUR: True, DAY: True}
    for row in rows(lines, "5m"):
        first = seen.setdefault((row.name, row.bucket), row.line)
        if first != row.line:
            raise DetectFileError(
                row.line, f"{row.name} has a row of {iso(row.bucket)} already, line {first}"
            )
        for length in lengths:
            lengths[length] = lengths[length] and row.bucket % length == 0
        counts.plain = row.total is None
        counts.add(row.name, row.bucket, row.negative, row.negative if row.total is None else row.total)
        on_row()
    longest = max((length for length, all_on in lengths.items() if all_on), default=0)
    if len(seen) >= ENOUGH and longest > STEPS[counts.resolution]:
        better = "1d" if longest == DAY else "1h"
        counts.notes.append(
            f"every row begins a whole {'day' if longest == DAY else 'hour'}: if these are counts per "
            f"{'day' if longest == DAY else 'hour'}, judge them with --resolution {better}"
        )
