"""A lease lasts as long as its proof is fresh, by a clock that goes on while the process is suspended."""

from __future__ import annotations

import time

import pytest

from agents.fleet.lease import Lease, LeasedPublisher, NotOwner, boot_time
from pipeline.topics import RAW
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import post


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_it_is_held_from_the_asking_of_the_proof_on_and_not_longer() -> None:
    clock, inner = Clock(), MemoryPublisher()
    lease = Lease(7.0, clock)
    publisher = LeasedPublisher(inner, lease)
    with pytest.raises(NotOwner):
        await publisher.publish(post(0))
    lease.proved(98.0)
    await publisher.confirm(await publisher.publish(post(1)))
    clock.now = 105.0
    with pytest.raises(NotOwner):
        await publisher.publish(post(2))
    lease.proved(104.0)
    lease.proved(103.0)  # an answer that came late shortens nothing
    clock.now = 110.9
    await publisher.publish(post(3))
    lease.end()
    lease.proved(110.9)
    with pytest.raises(NotOwner):
        await publisher.publish_all([])
    assert [record.event_id for record in inner.of(RAW)] == ["test:1", "test:3"]
    assert publisher.offsets == inner.offsets and await publisher.raw_partitions() == 2


def test_the_clock_counts_the_sleep_of_the_machine() -> None:
    before = boot_time()
    assert boot_time() >= before >= time.monotonic() - 1
