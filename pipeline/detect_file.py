"""``molva detect FILE.csv``: reads counts per object and bucket, writes spike events or scores. No servers.

CSV rows ``object,bucket,negative,total`` in time order per object, with or without a header line; with one,
columns may come in any order. Without ``total`` the series is a plain count, and its threshold is learned
from what the series did before (`pipeline.core.plain`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pipeline.core.series import ObjectSeries
from pipeline.core.windows import STEPS, bucket, iso, seconds
from schemas.spike import Resolution

COLUMNS: Final = ("object", "bucket", "negative", "total")
REQUIRED: Final = COLUMNS[:3]


class DetectFileError(ValueError):
    """A line of the file that cannot be judged; the message names the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


class Row(NamedTuple):
    """One line: counts of one object in one bucket; ``bucket`` is its start in seconds since 1970."""

    line: int
    name: str
    bucket: int
    negative: int
    total: int | None
    """None: the file has no such column."""


def run(lines: Iterable[str], resolution: Resolution, scores: bool = False) -> Iterator[str]:
    """Judge a file line by line, in constant memory per object.

    Args:
        lines: the CSV, with or without line ends.
        resolution: length of the buckets. Times inside a bucket are aligned down to its start.
        scores: yield one score per row instead of the spike events.

    Yields:
        Spike events as JSON (`schemas.Spike`), in the order of the rows; or one number per row: 12 opens a
        spike, and the first day of an object scores 0 (the first week at 1d). With ``total`` it is at most
        50; of a plain count it is the evidence for a new spike, 0 while one is open and for a day after it
        opened.

    Raises:
        DetectFileError: a line is no row, or breaks the order of time.
    """
    known: dict[str, ObjectSeries] = {}
    for row in rows(lines, resolution):
        series = known.setdefault(row.name, ObjectSeries(row.name, resolution, counts=row.total is None))
        if series.upcoming is not None and row.bucket < series.upcoming:
            last = series.upcoming - STEPS[resolution]
            problem = "is in the same bucket as" if row.bucket == last else "lies before"
            raise DetectFileError(
                row.line,
                f"{iso(row.bucket)} {problem} the last row of {row.name} ({iso(last)}, {resolution})",
            )
        score, events = series.judge(
            row.bucket, row.negative, row.negative if row.total is None else row.total
        )
        if scores:
            yield repr(round(score, 6))
        else:
            yield from (event.model_dump_json() for event in events)


def rows(lines: Iterable[str], resolution: Resolution) -> Iterator[Row]:
    """Parse the CSV; blank lines are skipped.

    Raises:
        DetectFileError: a line has too few or too many fields, a wrong time or a wrong number; or there
            is no row.
    """
    reader = csv.reader(lines, strict=True)
    columns: tuple[str, ...] | None = None
    empty = True
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if columns is None:
                columns = _header(fields, reader.line_num)
                if columns:
                    continue
                columns = COLUMNS[: max(3, len(fields))]
            yield _row(columns, fields, reader.line_num, STEPS[resolution])
            empty = False
    except csv.Error as error:
        raise DetectFileError(reader.line_num, f"not CSV: {error}") from error
    if empty:
        raise DetectFileError(max(1, reader.line_num), f"there is no row: write rows of {','.join(COLUMNS)}")


def _header(fields: list[str], line: int) -> tuple[str, ...]:
    """The columns that a header names; () where the first line is a row."""
    names = tuple(field.strip().lstrip("\ufeff").lower() for field in fields)
    if "bucket" not in names and "negative" not in names:
        return ()
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DetectFileError(line, f"no column {', '.join(missing)} (columns: {', '.join(names)})")
    return names


def _row(columns: tuple[str, ...], fields: list[str], line: int, step: int) -> Row:
    if len(fields) != len(columns):
        raise DetectFileError(line, f"{len(fields)} fields, expected {len(columns)}: {','.join(columns)}")
    values = {name: field.strip() for name, field in zip(columns, fields, strict=True)}
    name = values["object"].lstrip("\ufeff")
    if not name:
        raise DetectFileError(line, "the object is empty")
    negative = _count("negative", values["negative"], line)
    total = _count("total", values["total"], line) if "total" in values else None
    if total is not None and negative > total:
        raise DetectFileError(line, f"negative {negative} is more than total {total}")
    return Row(line, name, bucket(_second(values["bucket"], line), step), negative, total)


def _count(column: str, text: str, line: int) -> int:
    try:
        number = float(text)
    except ValueError:
        raise DetectFileError(line, f"{column} {text!r} is not a number") from None
    if not 0 <= number <= 1e12 or number != int(number):
        raise DetectFileError(line, f"{column} {text} is not a whole number from 0 to 1e12")
    return int(number)


def _second(text: str, line: int) -> int:
    """Seconds since 1970 of an ISO time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DetectFileError(
            line, f"bucket {text!r} is not an ISO time such as 2014-07-28T20:00:00Z"
        ) from None
    return seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
