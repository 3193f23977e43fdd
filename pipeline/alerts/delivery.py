"""Tells one receiver what waits for it, in order, until it has worked or is given up.

Every receiver has a `Courier` of its own, so that none waits for another. At least once: an item leaves the
outbox (durably, by ``settle``) after it was delivered; a crash in between delivers it again under the same
idempotency key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, cast

from pipeline.alerts.outbox import Item, Outbox
from pipeline.alerts.receiver import Delivered, Later, Outcome, Receiver, Refused, Reminded, Standing
from pipeline.metrics import Metrics

log = logging.getLogger("molva.alerts")

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
LONGEST_WISH_S = 3600.0
"""A receiver that asks for a longer pause is asked again after this one."""

End = Literal["delivered", "refused", "expired", "dropped"]
Settle = Callable[[Item, End, str], Awaitable[None]]
"""Record the end of an item durably; the text says why where it was not delivered."""


def pause(attempt: int, asked: float, random: Callable[[], float]) -> float:
    """Seconds before the next attempt: exponential with equal jitter, at least what the receiver asked for.

    Args:
        attempt: how many have failed, from 1.
        asked: of a ``Retry-After``; 0: nothing.
        random: uniform in [0, 1).
    """
    # 2**20 s is beyond the cap; more would only make a large number
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))
    return max(longest * (0.5 + random() / 2), min(asked, LONGEST_WISH_S))


async def attempt(telling: Awaitable[Outcome]) -> Outcome:
    """Await a receiver's ``send`` or ``remind``; an exception out of it is worth another try.

    Foreign libraries (Apprise has a hundred services) may raise anything, and one receiver must not stop
    the others.
    """
    try:
        return await telling
    except Exception as error:  # noqa: BLE001 - see above; a cancellation is none
        return Later(f"{type(error).__name__}: {error}", cause=error)


class Courier:
    """The loop of one receiver.

    Args:
        standing: what a receiver that must be reminded has to hold.
        patience: how long an item is tried since it was queued.
        sleep, random, clock: of the process; tests give their own.
    """

    def __init__(
        self,
        receiver: Receiver,
        outbox: Outbox,
        settle: Settle,
        standing: Callable[[], Sequence[Standing]],
        patience: timedelta,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self.receiver = receiver
        self._outbox = outbox
        self._settle = settle
        self._standing = standing
        self._patience = patience
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._wake = asyncio.Event()
        self._reminded_at: datetime | None = None

    def wake(self) -> None:
        """Look at the outbox, and whether a reminder is due; called after every change and every second."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            item = self._outbox.head(self.receiver.name)
            if item is not None:
                await self._deliver(item)
            elif self._reminder_due():
                await self._remind(cast(Reminded, self.receiver))
            else:
                await self._wake.wait()
                self._wake.clear()

    async def _deliver(self, item: Item) -> None:
        failed, last = 0, ""
        while True:
            if self._clock() - item.notification.queued_at > self._patience:
                await self._end(item, "expired", f"tried for {self._patience}, in vain{last}")
                return
            outcome = await attempt(self.receiver.send(item.notification))
            match outcome:
                case Delivered():
                    self._reminded_at = self._reminded_at or self._clock()
                    await self._end(item, "delivered", "")
                    return
                case Refused(why):
                    await self._end(item, "refused", why)
                    return
                case Later(why, after, cause):
                    failed, last = failed + 1, f"; the last reason: {why}"
                    self._count("retried")
                    wait = pause(failed, after, self._random)
                    log.warning("%s: %s, again in %.1f s", self.receiver.name, why, wait, exc_info=cause)
                    await self._sleep(wait)

    async def _end(self, item: Item, end: End, why: str) -> None:
        self._count(end)
        await self._settle(item, end, why)

    def _reminder_due(self) -> bool:
        every = getattr(self.receiver, "every", None)
        if every is None:
            return False
        return self._reminded_at is None or (self._clock() - self._reminded_at).total_seconds() >= every

    async def _remind(self, receiver: Reminded) -> None:
        self._reminded_at = self._clock()
        standing = self._standing()
        if standing:
            outcome = await attempt(receiver.remind(standing))
            if not isinstance(outcome, Delivered):  # the next reminder tells it all again
                cause = outcome.cause if isinstance(outcome, Later) else None
                log.warning("%s: a reminder: %s", self.receiver.name, outcome.why, exc_info=cause)
                self._count("retried")

    def _count(self, outcome: str) -> None:
        self._metrics.notifications.labels(self.receiver.name, outcome).inc()
