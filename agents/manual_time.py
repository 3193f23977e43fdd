"""Time that moves only when it is told to: the clock and the sleep of tests."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class ManualTime:
    """A clock that stands until it is moved; sleepers wake when it passes their moment."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._order = itertools.count()
        self.pauses: list[float] = []

    def clock(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken.wait()

    def move(self, **span: float) -> None:
        """Let time pass, e.g. ``move(minutes=5)``."""
        self._now += timedelta(**span)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()


class JumpingTime(ManualTime):
    """A clock in which every sleep is over at once, and moves the time."""

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._now += timedelta(seconds=seconds)
        await asyncio.sleep(0)
