"""What a runner has published and not yet confirmed, cut into checkpoints in the order of publication."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from agents.base import Clock, Collected, Found, Gone, Progress, Rejected
from agents.watermarks import LiveWatermarks
from pipeline.kafka_batches import Delivery

MAX_POSTS = 500
MAX_SEALED = 16
SAVE_SECONDS = 5.0
"""A cursor is written no more often; after a crash the posts since then are published again."""
SAVED_PER_SECOND = 8 * 1024
"""Characters: a cursor of 400,000 is written every 50 s. Kafka keeps every version for an hour, and the
embedded broker for as long as it runs."""


@dataclass(slots=True)
class Checkpoint:
    """Deliveries, and what holds once all of them (and all earlier checkpoints) are confirmed."""

    deliveries: list[Delivery] = field(default_factory=list)
    posts: int = 0
    deletions: int = 0
    rejected: int = 0
    cursor: str | None = None
    watermark: datetime | None = None
    final: bool = False
    confirmed: list[Callable[[], None]] = field(default_factory=list)
    trouble: str | None = None
    """What the source says now of why it finds nothing; None: as before."""

    @property
    def empty(self) -> bool:
        """True where nothing would follow from confirming it."""
        told = self.deliveries or self.confirmed or self.trouble is not None
        return not told and self.cursor is None and self.watermark is None


@dataclass(frozen=True)
class Totals:
    """What a run has confirmed so far."""

    posts: int = 0
    rejected: int = 0
    watermark: datetime | None = None
    deletions: int = 0
    trouble: str = ""
    """Why the source finds nothing at present, though it tries; empty: it collects."""

    def plus(self, checkpoint: Checkpoint) -> Totals:
        """The totals after one more confirmed checkpoint."""
        return Totals(
            self.posts + checkpoint.posts,
            self.rejected + checkpoint.rejected,
            checkpoint.watermark or self.watermark,
            self.deletions + checkpoint.deletions,
            self.trouble if checkpoint.trouble is None else checkpoint.trouble,
        )


class Checkpoints:
    """The open checkpoint, and the sealed ones that wait for confirmation, at most `MAX_SEALED`.

    A source's own watermarks are passed on at ticks only, the first and the final one at once; those of a
    live source (``live`` is given) come from the clock, once the source has caught up. The newest cursor goes
    with a checkpoint every few seconds (`SAVE_SECONDS`), with each watermark and with the last one.
    """

    def __init__(self, live: LiveWatermarks | None, clock: Clock) -> None:
        self._live = live
        self._clock = clock
        self._cursor: str | None = None
        """The newest, which goes with a later checkpoint."""
        self._saved_at: float | None = None
        self._trouble = ""
        self._caught_up = False
        self._open = Checkpoint()
        self._sealed: deque[Checkpoint] = deque()
        self._taken: Checkpoint | None = None
        self._closed = False
        self._changed = asyncio.Condition()
        self._watermark: datetime | None = None
        self._stated: datetime | None = None

    def add(self, item: Collected, deliveries: tuple[Delivery, ...]) -> bool:
        """Note a published item; True where the open checkpoint is to be sealed."""
        now = self._open
        now.deliveries.extend(deliveries)
        if item.cursor is not None:
            self._cursor = item.cursor
        match item:
            case Found():
                now.posts += 1
            case Gone():
                now.deletions += 1
            case Rejected():
                now.rejected += 1
            case Progress(watermark=watermark, final=final, caught_up=caught_up, confirmed=confirmed):
                now.confirmed += () if confirmed is None else (confirmed,)
                self._caught_up = self._caught_up or caught_up
                self._watermark = watermark or self._watermark
                now.final = now.final or final
                if item.trouble != self._trouble:
                    self._trouble = now.trouble = item.trouble
        return now.final or self._first or len(now.deliveries) >= MAX_POSTS

    @property
    def _first(self) -> bool:
        """The source's first watermark is stated at once, so that detection knows that there will be some."""
        return self._watermark is not None and self._stated is None

    async def seal(self, *, tick: bool = False, last: bool = False) -> None:
        """Close the open checkpoint; waits while too many are unconfirmed."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._sealed) < MAX_SEALED)
            if tick or self._open.final or self._first:
                self._open.watermark = self._due()
            if self._cursor is not None and (last or self._save_due(self._cursor)):
                self._open.cursor, self._cursor = self._cursor, None
                self._saved_at = self._clock().timestamp()
            if not self._open.empty:
                self._sealed.append(self._open)
                self._open = Checkpoint()
                self._changed.notify_all()

    def _due(self) -> datetime | None:
        if self._live is not None:
            return self._live.due() if self._caught_up else None
        if self._watermark is None or (self._watermark == self._stated and not self._open.final):
            return None
        self._stated = self._watermark
        return self._watermark

    def _save_due(self, cursor: str) -> bool:
        """Also where the clock was put back, and before a watermark: no post is repeated behind it."""
        if self._saved_at is None or self._open.final or self._open.watermark is not None:
            return True
        since = self._clock().timestamp() - self._saved_at
        return not 0 <= since < max(SAVE_SECONDS, len(cursor) / SAVED_PER_SECOND)

    async def next(self) -> Checkpoint | None:
        """The oldest sealed checkpoint; None once closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._sealed) or self._closed)
            self._taken = self._sealed.popleft() if self._sealed else None
            self._changed.notify_all()
            return self._taken

    async def close(self) -> None:
        """Seal what is open; nothing more will come."""
        await self.seal(last=True)
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def unconfirmed(self) -> Iterator[Delivery]:
        """Deliveries that nobody has confirmed."""
        for checkpoint in (self._taken, *self._sealed, self._open):
            if checkpoint is not None:
                yield from checkpoint.deliveries
