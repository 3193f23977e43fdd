"""The records of one partition between Kafka and ClickHouse: bounded in rows and bytes, cut into batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.sink.batch import StoredRecord


@dataclass(frozen=True)
class Limits:
    """A batch is cut at ``rows`` or ``size`` bytes, or ``linger`` seconds after its first record came.

    One of fewer than ``few`` records waits twice as long: an insert costs as much as some hundred rows.
    """

    rows: int
    size: int
    linger: float
    few: int = 0


class Buffer:
    """Filled by the poll loop, emptied by the partition's writer; ``clock`` is monotonic, in seconds."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._records: deque[StoredRecord] = deque()
        self._bytes = 0
        self._since = 0.0
        self._resume_to: int | None = None
        self._closing = False
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        """Bytes of the records that wait, about."""
        return self._bytes

    @property
    def crowding(self) -> bool:
        """Whether it holds records and can do without more: not while a resumed batch is incomplete."""
        return self._resume_to is None and bool(self._records)

    @property
    def full(self) -> bool:
        """Whether the partition should be paused: more than a batch waits."""
        if self._resume_to is not None:
            return False  # its batch was within the limits when it was cut
        return len(self._records) >= 2 * self._limits.rows or self._bytes >= 2 * self._limits.size

    def add(self, records: Iterable[StoredRecord]) -> None:
        """Append records in the order of their offsets."""
        if self._closing:
            return
        if not self._records:
            self._since = self._clock()
        for record in records:
            self._records.append(record)
            self._bytes += _size(record)
        self._changed.set()

    def close(self) -> None:
        """No more records come: what is here is the last batch; an incomplete resumed batch is left."""
        self._closing = True
        self._changed.set()

    async def take(self) -> list[StoredRecord]:
        """The next batch, as soon as it is full or old enough; empty after `close`."""
        while not self._ready():
            if self._closing and not self._records:
                return []
            await self._wait()
        count, size = 0, 0
        for record in self._records:
            if count >= self._limits.rows or size >= self._limits.size:
                break
            count, size = count + 1, size + _size(record)
        return self._cut(count)

    async def take_up_to(self, hi: int) -> list[StoredRecord] | None:
        """All records up to offset ``hi``, as soon as Kafka has given them; None if closed before."""
        self._resume_to = hi
        while not self._records or self._records[-1].offset < hi:
            if self._closing:
                return None
            self._changed.clear()
            await self._changed.wait()
        self._resume_to = None
        return self._cut(sum(record.offset <= hi for record in self._records))

    def _ready(self) -> bool:
        if not self._records:
            return False
        aged = self._clock() >= self._due()
        full = len(self._records) >= self._limits.rows or self._bytes >= self._limits.size
        return self._closing or aged or full

    def _due(self) -> float:
        """When what waits is old enough."""
        return self._since + self._limits.linger * (2 if len(self._records) < self._limits.few else 1)

    async def _wait(self) -> None:
        self._changed.clear()
        if not self._records:
            await self._changed.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, self._due() - self._clock())):
                await self._changed.wait()
        except TimeoutError:
            return

    def _cut(self, count: int) -> list[StoredRecord]:
        batch = [self._records.popleft() for _ in range(count)]
        self._bytes -= sum(_size(record) for record in batch)
        self._since = self._clock()
        return batch


def _size(record: StoredRecord) -> int:
    return 200 + len(record.value or b"")  # 200: key, headers, the object itself
