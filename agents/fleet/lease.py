"""How long a process may believe that what it was assigned is still its own, by its own clock.

Kafka gives partitions away when it has heard nothing of a member for the session time-out. A member that was
suspended does not notice; so it may publish only within that time after a request that proved its membership.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

from agents.base import PublishFailed
from agents.publisher import Publisher, Ready
from pipeline.kafka_batches import Delivery
from schemas import Record

Monotonic = Callable[[], float]
"""Seconds since some moment; it goes on while the process, or the machine, is suspended."""


class NotOwner(PublishFailed):
    """Whether the agent is still ours is not known, or it is not."""


def boot_time() -> float:
    """Seconds since the machine started, including its sleep (Linux); elsewhere a monotonic clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """Of one assignment; it is never held again once it has ended."""

    def __init__(self, seconds: float, monotonic: Monotonic = boot_time) -> None:
        """``seconds``: how long a proof of membership lasts; less than the session time-out of the group."""
        self.seconds = seconds
        self._monotonic = monotonic
        self._until: float | None = None
        self._ended = False
        self._proved = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether nobody else can own it at this moment."""
        return not self._ended and self._until is not None and self._monotonic() < self._until

    @property
    def left(self) -> float:
        """Seconds until it runs out; 0: it is not held."""
        return 0.0 if self._ended or self._until is None else max(0.0, self._until - self._monotonic())

    def proved(self, asked_at: float) -> None:
        """A request that was sent at ``asked_at`` was answered as only a member's is."""
        self._until = max(self._until or asked_at, asked_at + self.seconds)
        self._proved.set()

    async def regained(self) -> None:
        """Wait until it is held; for ever, once it has ended."""
        while not self.held:
            self._proved.clear()
            await self._proved.wait()

    def end(self) -> None:
        """The assignment is over."""
        self._ended = True

    def require(self) -> None:
        """Go on, or not.

        Raises:
            NotOwner: the lease is not held.
        """
        if not self.held:
            raise NotOwner("this process may not own the agent any more: nothing is published")


class LeasedPublisher:
    """A `Publisher` that publishes only while a lease is held."""

    def __init__(self, publisher: Publisher, lease: Lease) -> None:
        self._publisher = publisher
        self._lease = lease
        self.offsets = publisher.offsets

    async def raw_partitions(self) -> int:
        return await self._publisher.raw_partitions()

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        """As `Publisher.publish`; `NotOwner` as well."""
        self._lease.require()
        return await self._publisher.publish(record)

    async def publish_all(self, ready: Sequence[Ready]) -> list[Delivery]:
        """As `Publisher.publish_all`; `NotOwner` as well."""
        self._lease.require()
        return await self._publisher.publish_all(ready)

    async def confirm(self, deliveries: Iterable[Delivery]) -> None:
        await self._publisher.confirm(deliveries)
