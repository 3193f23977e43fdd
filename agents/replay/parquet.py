"""Rows of a Parquet file for a replay, streamed through its row groups page by page; needs ``pyarrow``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from agents.base import BrokenInput
from agents.replay.input import BATCH_ROWS, Row
from agents.replay.lines import BEGINNING, Line, Position
from agents.replay.tables import REQUIRED
from agents.rows import unflatten
from schemas.codec import InvalidRecord

BUFFER_BYTES = 1 << 20
"""Read ahead of each column; without a buffer a whole column of a row group is held."""
BATCH_BYTES = 8 << 20
"""What a batch of rows should take at most, by the file's own account."""
MOST_BYTES = 512 << 20
"""Held by Arrow at once: more is a file made to fill the memory, or one row of a hundred megabytes."""
MOST_COLUMNS = 1000
DEEPEST = 16
FOOTER_STRING_BYTES = 16 << 20
FOOTER_ITEMS = 1_000_000
NESTED = ("author", "channel", "engagement")


class ParquetInput:
    """Rows of a file from a position on; `take` them until there are none. Blocking: use a thread.

    ``line`` of a position counts rows; ``byte`` is the same number.
    """

    def __init__(self, path: Path, start: Position = BEGINNING) -> None:
        """Read the footer.

        Raises:
            BrokenInput: it is no Parquet file, or one that lacks ``created_at`` or ``text``.
        """
        try:
            self._file = pq.ParquetFile(
                path,
                buffer_size=BUFFER_BYTES,
                pre_buffer=False,
                thrift_string_size_limit=FOOTER_STRING_BYTES,
                thrift_container_size_limit=FOOTER_ITEMS,
                schema_depth_limit=DEEPEST,
            )
            self._target = _readable(self._file.schema_arrow)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BrokenInput(f"{path.name} is no Parquet file that can be read: {error}") from error
        _require_columns(self._target, path.name)
        self._batches = self._read(start.line)

    def take(self) -> list[Row]:
        """The next rows, in order, at most 256; empty at the end.

        Raises:
            BrokenInput: the file is damaged here; all rows before were taken.
        """
        try:
            return next(self._batches, [])
        except (pa.ArrowException, OSError, MemoryError) as error:
            raise BrokenInput(f"the Parquet file is damaged: {error}") from error

    def _read(self, skip: int) -> Iterator[list[Row]]:
        number, metadata = 0, self._file.metadata
        size = _batch_rows(metadata)
        for group in range(metadata.num_row_groups):  # one by one: damage in one spares the rows before it
            rows = metadata.row_group(group).num_rows
            if number + rows > skip:
                yield from self._group(group, size, number, skip)
            number += rows

    def _group(self, group: int, size: int, number: int, skip: int) -> Iterator[list[Row]]:
        """The rows of a row group, before which there are ``number``, without the first ``skip`` of all."""
        for batch in self._file.iter_batches(size, row_groups=[group], use_threads=False):
            held = pa.total_allocated_bytes()
            if held > MOST_BYTES:
                raise BrokenInput(f"some {size} rows take {held >> 20} MiB, the limit is {MOST_BYTES >> 20}")
            begin = min(max(0, skip - number), batch.num_rows)
            number += begin
            if begin < batch.num_rows:
                found = _documents(batch.slice(begin), self._target)
                yield [_row(number + index, each) for index, each in enumerate(found, 1)]
            number += batch.num_rows - begin


def _require_columns(schema: pa.Schema, name: str) -> None:
    missing = [column for column in REQUIRED if column not in schema.names]
    twice = len(set(schema.names)) < len(schema.names)
    if missing or twice or len(schema.names) > MOST_COLUMNS:
        wanted = f"no column {' and no column '.join(missing)}" if missing else "the same column twice"
        if len(schema.names) > MOST_COLUMNS:
            wanted = f"more than {MOST_COLUMNS} columns"
        raise BrokenInput(f"{name} has {wanted}; it has: {', '.join(schema.names)[:300]}")


def _batch_rows(metadata: Any) -> int:
    """So many rows that they take about `BATCH_BYTES`, at most 256."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    largest = max((each.total_byte_size / max(1, each.num_rows) for each in groups), default=1)
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / max(1, largest))))


def _readable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _readable_type(field.type)) for field in schema])


def _readable_type(kind: pa.DataType) -> pa.DataType:
    """A type whose values Python takes: nanoseconds as microseconds, zones (which only show) as UTC."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us" if kind.unit == "ns" else kind.unit, "UTC" if kind.tz else None)
    if pa.types.is_dictionary(kind):
        return _readable_type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _readable_type(each.type)) for each in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_readable_type(kind.value_type))
    return kind


def _documents(batch: pa.RecordBatch, target: pa.Schema) -> Iterable[object]:
    """Each row as a document, or the `InvalidRecord` that says why it is none."""
    try:
        cells = batch.cast(target, safe=False).to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):  # of one value, but it does not say which
        return [_document(batch.slice(index, 1), target) for index in range(batch.num_rows)]
    return map(_nested, cells)


def _document(row: pa.RecordBatch, target: pa.Schema) -> object:
    try:
        return _nested(row.cast(target, safe=False).to_pylist()[0])
    except (pa.ArrowException, ValueError, OverflowError) as error:
        return InvalidRecord("invalid", f"the row cannot be read: {error}")


def _nested(cells: Mapping[str, Any]) -> object:
    try:
        plain = {name: each for name, cell in cells.items() if (each := _plain(cell)) is not None}
    except UnicodeDecodeError:
        return InvalidRecord("invalid", "the row is not UTF-8")
    parts = {name: plain.pop(name) for name in NESTED if isinstance(plain.get(name), dict)}
    row = unflatten(plain)
    for name, part in parts.items():
        row[name] = {**row.get(name, {}), **part}
    return row


def _plain(cell: Any) -> Any:
    """A cell as JSON would have it; None for what pandas writes for an absent number."""
    match cell:
        case str():
            return cell.replace("\x00", "")
        case float():
            return None if math.isnan(cell) else cell
        case bytes():
            return cell.decode().replace("\x00", "")
        case Decimal():
            return int(cell) if cell == cell.to_integral_value() else float(cell)
        case dict():
            return {name: each for name, item in cell.items() if (each := _plain(item)) is not None} or None
        case list() | tuple():
            return [each for item in cell if (each := _plain(item)) is not None]
        case datetime():
            return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return cell.total_seconds()
        case int() | None:
            return cell
    return str(cell)


def _row(number: int, document: object) -> Row:
    content = b"" if not isinstance(document, InvalidRecord) else document.detail.encode()
    return Row(Line(number, number, content), document)
