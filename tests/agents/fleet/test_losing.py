"""Without Kafka an owner stops at the end of its lease, whatever else waits; no end takes for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition

from agents.fleet import ownership
from agents.fleet.cursor_rows import Rows
from agents.fleet.lease import Lease
from agents.fleet.ownership import Ownership
from agents.manual_time import ManualTime
from agents.waiting import cancel
from pipeline.condition import Condition
from pipeline.topics import AGENT_CURSORS

PLACES = [TopicPartition(AGENT_CURSORS, number) for number in range(2)]
DEADLINE_SECONDS = 20


class Consumer:
    """A member of a group whose broker falls silent: then nothing that is asked is ever answered."""

    def __init__(self) -> None:
        self.commits = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.unread: TopicPartition | None = None
        """Its position is asked for without an answer."""

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self.listener = listener

    async def seek_to_beginning(self, *places: TopicPartition) -> None: ...

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        await self.answers.wait()
        return {}

    async def position(self, place: TopicPartition) -> int:
        if place == self.unread:
            await asyncio.Event().wait()
        return 0

    async def commit(self, offsets: Any) -> None:
        await self.answers.wait()
        self.commits += 1


class Tenant:
    """Notes what it is told; ``fails``: the partition whose end does."""

    def __init__(self, fails: int | None = None) -> None:
        self.told: list[tuple[str, int]] = []
        self._fails = fails

    async def begin(self, partition: int, rows: Rows, lease: Lease) -> None:
        self.told.append(("begin", partition))

    def halt(self, partition: int) -> None:
        self.told.append(("halt", partition))

    async def end(self, partition: int, *, orderly: bool) -> None:
        if partition == self._fails:
            raise RuntimeError("it does not end")
        self.told.append(("end in order" if orderly else "end", partition))


async def _no_ends(consumer: Any, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    return dict.fromkeys(places, 0)


@asynccontextmanager
async def owning(
    consumer: Consumer, tenant: Any, time: ManualTime, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ownership]:
    monkeypatch.setattr(ownership, "high_watermarks", _no_ends)
    monkeypatch.setattr(ownership, "link_trouble", lambda _: None)
    made = Ownership(
        consumer,
        tenant,
        Condition(),
        session_seconds=10.0,
        monotonic=lambda: time.clock().timestamp(),
        sleep=time.sleep,
    )
    running = asyncio.ensure_future(made.run(asyncio.Event()))
    try:
        await until(lambda: hasattr(consumer, "listener"))
        await made.on_partitions_assigned(PLACES)
        yield made
    finally:
        await cancel(running)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_agents_end_at_the_end_of_the_lease_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer, tenant, time = Consumer(), Tenant(), ManualTime()
    async with owning(consumer, tenant, time, monkeypatch):
        time.move(seconds=1.75)
        await until(lambda: len(tenant.told) == 2)
        began = consumer.commits
        time.move(seconds=1.75)
        await until(lambda: consumer.commits > began)
        consumer.answers.clear()  # the last proof is good for 7 s from here
        time.move(seconds=6.99)
        await settled()
        assert [told for told, _ in tenant.told] == ["begin", "begin"]
        time.move(seconds=0.02)
        await until(lambda: len(tenant.told) == 6)
        assert [told for told, _ in tenant.told[2:]] == ["halt", "halt", "end", "end"]
        consumer.answers.set()
        time.move(seconds=1.75)
        await until(lambda: len(tenant.told) > 6)
        assert {told for told, _ in tenant.told[6:]} == {"begin"}, "Kafka is back, and they are still ours"


async def test_nothing_that_waits_for_kafka_holds_up_the_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer, tenant, time = Consumer(), Tenant(), ManualTime()
    async with owning(consumer, tenant, time, monkeypatch) as made:
        time.move(seconds=1.75)
        await until(lambda: len(tenant.told) == 2)
        consumer.unread = PLACES[1]
        made._reading[PLACES[1]] = 1  # a poll asks where it is, and hears nothing
        await until(made._busy.locked)
        consumer.answers.clear()
        time.move(seconds=8)
        await until(lambda: ("halt", 0) in tenant.told and ("halt", 1) in tenant.told)


async def test_an_end_that_fails_is_told_and_the_lease_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    consumer, tenant, time = Consumer(), Tenant(fails=0), ManualTime()
    async with owning(consumer, tenant, time, monkeypatch) as made:
        time.move(seconds=1.75)
        await until(lambda: len(tenant.told) == 2)
        lease = made._lease
        with caplog.at_level(logging.ERROR):
            await made.on_partitions_revoked(PLACES)
        assert not lease.held and ("end in order", 1) in tenant.told
        assert "did not end well" in caplog.text and "it does not end" in caplog.text
