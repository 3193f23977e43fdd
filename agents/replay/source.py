"""The ``replay`` agent: rows of a file or of standard input as posts, in order, on their own timeline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from agents.base import BadConfiguration, BrokenInput, Clock, Collected, Found, Progress, Rejected, Sleep
from agents.replay.input import (
    BY_EXTENSION,
    Format,
    Reading,
    ReplayInput,
    Row,
    descriptor_chunks,
    file_chunks,
    fingerprint,
    is_parquet,
    open_parquet,
)
from agents.replay.lines import BEGINNING, Position
from agents.replay.outline import Outline, event_times, outline_of
from agents.rows import post_of, source_name
from schemas.codec import InvalidRecord

STREAM_DISORDER = timedelta(hours=1)
"""How far behind the newest post of a stream, which cannot be read ahead, a later one may be dated."""
SHORTEST_PAUSE = 0.02


class _Spot(NamedTuple):
    """A cursor: how many rows are behind, and where that is in the (decoded) file."""

    ordinal: int = 0
    position: Position = BEGINNING

    def behind(self, row: Row) -> _Spot:
        """The place behind the next row."""
        line = row.line
        return _Spot(self.ordinal + 1, Position(line.number + line.content.count(b"\n"), line.end))

    def cursor(self, mark: str) -> str:
        """As text, for the file that ``mark`` tells."""
        return f"{mark}:{self.ordinal}:{self.position.line}:{self.position.byte}"


class ReplaySource:
    """A replay; see docs/agents.md for formats, fields and bad rows."""

    grace = None

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        source: str | None = None,
        timeline: str | None = None,
        speed: float | None = None,
        form: Format | None = None,
        descriptor: int = 0,
    ) -> None:
        """Prepare a replay.

        Args:
            path: the file; None: read ``descriptor``, standard input.
            source: the source of rows that name none; None: the file's name without extensions.
            timeline: None: ``replay:<file name>``.
            speed: event seconds per second; None: as fast as possible.
            form: None: by the extension or by the first character.

        Raises:
            BadConfiguration: no such file, or a speed that is not positive.
        """
        if path is not None and not path.is_file():
            raise BadConfiguration(f"{path}: {'it is no file' if path.exists() else 'no such file'}")
        if speed is not None and speed <= 0:
            raise BadConfiguration(f"the speed is a positive factor, not {speed}")
        self._path = path
        self._file_name = "stdin" if path is None else path.name
        self.name = f"replay:{self._file_name}"
        self.timeline = timeline or self.name
        self._source = source_name(source or _stem(self._file_name))
        self._form = form
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._descriptor = descriptor
        self._stopped = threading.Event()
        self._paced_from: tuple[datetime, datetime] | None = None
        self._outline: Outline | None = None
        self._mark = ""
        self.rows: int | None = None
        """Rows of the whole file, once it has been read ahead; of a stream: None."""

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """Every row from the cursor on as a post or a rejection, with exact watermarks, and a final one.

        Raises:
            BrokenInput: the file cannot be read, or ends early; the rows before were yielded.
        """
        mark = await self._begin()
        spot = _spot_of(cursor, mark)
        newest: datetime | None = None
        failure: BrokenInput | None = None
        try:
            rows = await asyncio.to_thread(self._open, spot.position)
            while True:
                try:
                    batch = await asyncio.to_thread(rows.take)
                except BrokenInput as error:
                    failure = BrokenInput(f"{self._file_name}: {error}; {spot.ordinal} rows before were read")
                    break
                if not batch:
                    break
                now = self._clock()
                moments = event_times(batch, now)
                newest = max((moment for moment in (newest, *moments) if moment is not None), default=None)
                watermarks = _watermarks(moments, self._outline, spot.ordinal)
                for row, moment, watermark in zip(batch, moments, watermarks, strict=True):
                    if self._speed is not None and moment is not None:
                        async for progress in self._keep_pace(moment, watermark):
                            yield progress
                        now = self._clock()
                    spot = spot.behind(row)
                    yield self._item(row, now, None if self._path is None else spot.cursor(mark))
                yield Progress(watermark=_after(self._outline, spot.ordinal, newest))
        finally:
            self._stopped.set()
        yield Progress(watermark=newest if self._outline is None else self._outline.newest, final=True)
        if failure is not None:
            raise failure

    async def _begin(self) -> str:
        """Read the file ahead, once; what tells it from other files."""
        self._paced_from = None
        if self._path is None:
            if self._stopped.is_set():
                raise BrokenInput(
                    "standard input cannot be read again after Kafka was away; put it into a file"
                )
            return ""
        mark = await asyncio.to_thread(fingerprint, self._path)
        if self._outline is None or mark != self._mark:
            self._outline = await asyncio.to_thread(self._read_ahead)
            self._mark = mark
            self.rows = self._outline.rows
        return mark

    def _read_ahead(self) -> Outline:
        reading = self._open(BEGINNING)

        def take() -> Sequence[Row]:
            try:
                return tuple(reading.take())
            except BrokenInput:
                return ()  # the reading that publishes comes here again, and says so

        return outline_of(take, self._clock())

    def _open(self, start: Position) -> Reading:
        chunks: Iterator[bytes]
        if self._path is not None and self._form in (None, "parquet") and is_parquet(self._path):
            return open_parquet(self._path, start)
        if self._path is None:
            chunks = descriptor_chunks(self._descriptor, self._stopped)
        else:
            chunks = file_chunks(self._path)
        return ReplayInput(chunks, self._file_name, form=self._form, start=start)

    def _item(self, row: Row, collected_at: datetime, cursor: str | None) -> Collected:
        origin = f"{self._file_name}:{row.line.number}"
        try:
            if isinstance(row.content, InvalidRecord):
                raise row.content
            post = post_of(
                row.content, source=self._source, timeline=self.timeline, collected_at=collected_at
            )
        except InvalidRecord as error:
            return Rejected(row.payload, origin, error.reason, error.detail, cursor)
        return Found(post, origin, cursor)

    async def _keep_pace(self, moment: datetime, watermark: datetime | None) -> AsyncIterator[Progress]:
        """Wait until the post's moment has come at the chosen speed."""
        now = self._clock()
        if self._paced_from is None:
            self._paced_from = (now, moment)
        started, first = self._paced_from
        pause = ((moment - first) / (self._speed or 1) - (now - started)).total_seconds()
        if pause > SHORTEST_PAUSE:
            yield Progress(watermark=watermark)  # what is over is over, whoever waits for it
            await self._sleep(pause)


def _watermarks(
    moments: Sequence[datetime | None], outline: Outline | None, ordinal: int
) -> Sequence[datetime | None]:
    """Before each row of a batch: the earliest event time from that row on."""
    if outline is None:
        return [None] * len(moments)
    after = outline.earliest_from(ordinal + len(moments))
    backwards = accumulate(
        reversed(moments),
        lambda least, moment: least if moment is None else min(least, moment),
        initial=after,
    )
    return list(backwards)[:0:-1]


def _after(outline: Outline | None, ordinal: int, newest: datetime | None) -> datetime | None:
    if outline is None:
        return newest - STREAM_DISORDER if newest is not None else None
    return min(outline.earliest_from(ordinal), outline.newest) if outline.newest is not None else None


def _stem(name: str) -> str:
    known = {*BY_EXTENSION, ".gz", ".zst", ".zstd"}
    path = Path(name)
    while path.suffix.lower() in known:
        path = path.with_suffix("")
    return path.name


def _spot_of(cursor: str | None, mark: str) -> _Spot:
    """Where a cursor points; the beginning where it speaks of another file."""
    if cursor is None or not mark or not cursor.startswith(f"{mark}:"):
        return _Spot()
    ordinal, line, byte = (int(part) for part in cursor.split(":")[1:])
    return _Spot(ordinal, Position(line, byte))
