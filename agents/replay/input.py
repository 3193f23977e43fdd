"""A file or a stream of rows for a replay: opened, decompressed, its format found, read in small batches."""

from __future__ import annotations

import hashlib
import json
import os
import select
import threading
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from agents.base import BadConfiguration, BrokenInput
from agents.compression import codec_of, decompressed
from agents.replay.lines import BEGINNING, BOM, Line, Position, line_blocks
from agents.replay.tables import Table
from agents.rows import parse_document
from schemas.codec import InvalidRecord

Format = Literal["jsonl", "csv", "parquet"]

CHUNK_BYTES = 65_536
BATCH_ROWS = 256
POLL_SECONDS = 0.5
PARQUET = b"PAR1"
"""What a Parquet file begins and ends with."""
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BY_EXTENSION: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


class Row(NamedTuple):
    """One record of the input: what stands there, and the parsed row or why there is none."""

    line: Line
    content: object

    @property
    def payload(self) -> bytes:
        """Its bytes; of a Parquet file: what it would be in JSON."""
        return self.line.content or json.dumps(self.content, ensure_ascii=False, default=str).encode()


class Reading(Protocol):
    """An opened input."""

    def take(self) -> list[Row]:
        """The next rows, in order; empty at the end.

        Raises:
            BrokenInput: it is damaged here; all rows before were taken.
        """
        ...


class ReplayInput:
    """Rows of a stream from a position on; `take` them until there are none. Blocking: use a thread."""

    def __init__(
        self, chunks: Iterable[bytes], name: str, *, form: Format | None = None, start: Position = BEGINNING
    ) -> None:
        """Look at the beginning of the stream.

        Args:
            chunks: the bytes as stored, compressed or not.
            name: the file's name, for its extension and for errors.
            form: the format; None: by the extension, else by the first character.
            start: the position after the last row that is not wanted.

        Raises:
            BrokenInput: it is nothing that can be read at all.
        """
        self._left = 0
        self._failure: BrokenInput | None = None
        stored = iter(chunks)
        head = next(stored, b"")
        plain = decompressed(chain((head,), stored), codec_of(head))
        beginning = self._peek(plain, name)
        self.form: Format = form or _form_of(name, beginning)
        if b"".join(beginning).startswith(PARQUET):
            raise BrokenInput(f"{name} is Parquet, which is read from its end: replay it as an unpacked file")
        if self.form == "parquet":
            raise BrokenInput(f"{name} is no Parquet file: it does not begin with PAR1")
        if self.form == "jsonl" and b"".join(beginning).removeprefix(BOM).lstrip().startswith(b"["):
            raise BrokenInput(
                f"{name} is one JSON array; put each post on a line first (jq -c '.[]' {name} > posts.jsonl)"
            )
        self._rows = self._read(chain(beginning, plain), start)

    def take(self) -> list[Row]:
        """The next rows, in order, at most 256 and without waiting for more input; empty at the end.

        Raises:
            BrokenInput: the stream is damaged here; all rows before were taken.
        """
        rows: list[Row] = []
        try:
            if self._failure is not None:
                raise self._failure
            for row in self._rows:
                rows.append(row)
                if len(rows) >= BATCH_ROWS or not self._left:
                    break
        except BrokenInput as failure:
            if not rows:
                raise
            self._failure = failure
        return rows

    def _peek(self, plain: Iterator[bytes], name: str) -> list[bytes]:
        try:
            first = next(plain, b"")
        except BrokenInput as failure:
            self._failure = failure
            return []
        if first.startswith(UTF16):
            raise BrokenInput(f"{name} is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)")
        return [first]

    def _read(self, chunks: Iterable[bytes], start: Position) -> Iterator[Row]:
        if self.form == "jsonl":
            return (
                _json_row(line) for line in self._flat(line_blocks(chunks, start)) if line.content.strip()
            )
        return self._table(chunks, start)

    def _table(self, chunks: Iterable[bytes], start: Position) -> Iterator[Row]:
        chunks = iter(chunks)
        head: list[bytes] = []
        for chunk in chunks:
            head.append(chunk)
            if b"\n" in chunk:
                break
        header = b"".join(head).partition(b"\n")[0]
        if not header.strip():
            return
        table = Table(header.removeprefix(BOM).removesuffix(b"\r"))
        after = start if start.line else Position(1, len(header) + 1)
        for line, row in table.records(self._flat(line_blocks(chain(head, chunks), after))):
            yield _checked(Row(line, row))

    def _flat(self, blocks: Iterable[list[Line]]) -> Iterator[Line]:
        for block in blocks:
            self._left = len(block)
            for line in block:
                self._left -= 1
                yield line


def file_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file.

    Raises:
        BrokenInput: it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise BrokenInput(f"cannot be read: {error}") from error


def descriptor_chunks(descriptor: int, stopped: threading.Event) -> Iterator[bytes]:
    """The bytes of an open pipe or terminal as they come, until its end or until ``stopped`` is set."""
    while not stopped.is_set():
        ready, _, _ = select.select([descriptor], [], [], POLL_SECONDS)
        if ready:
            chunk = os.read(descriptor, CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet by its first bytes.

    Raises:
        BrokenInput: it cannot be read.
    """
    return next(file_chunks(path), b"").startswith(PARQUET)


def open_parquet(path: Path, start: Position) -> Reading:
    """A Parquet file from a row on.

    Raises:
        BadConfiguration: pyarrow is not installed.
        BrokenInput: it cannot be read.
    """
    try:
        module = import_module("agents.replay.parquet")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise BadConfiguration("Parquet needs pyarrow: pip install 'molva[parquet]'") from error
    reading: Reading = module.ParquetInput(path, start)
    return reading


def fingerprint(path: Path) -> str:
    """Tells whether a file is still the one that a cursor speaks of: its size and its first 64 KiB.

    Raises:
        BrokenInput: it cannot be read.
    """
    head = next(file_chunks(path), b"")
    return hashlib.sha256(f"{path.stat().st_size}:".encode() + head).hexdigest()[:16]


def _form_of(name: str, beginning: list[bytes]) -> Format:
    for suffix in reversed(Path(name).suffixes):
        if suffix.lower() in BY_EXTENSION:
            return BY_EXTENSION[suffix.lower()]
    first = b"".join(beginning).removeprefix(BOM).lstrip()
    return "jsonl" if first[:1] in (b"{", b"[", b'"') else "csv"


def _json_row(line: Line) -> Row:
    if line.cut:
        return _checked(Row(line, None))
    try:
        return Row(line, parse_document(line.content))
    except InvalidRecord as error:
        return Row(line, error)


def _checked(row: Row) -> Row:
    if not row.line.cut:
        return row
    return Row(row.line, InvalidRecord("too_large", "the line is longer than 16 MiB; its beginning is kept"))
