"""What ownership stands on, on both brokers: commits of members only, reading to the end, a lost Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata

from agents.fleet.cursor_rows import Rows, pack, partition_of
from agents.fleet.lease import Lease
from agents.fleet.ownership import Ownership, new_consumer
from agents.fleet.row_writer import row_writer
from pipeline.condition import Condition
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import AGENT_CURSORS_SPEC, KafkaAdmin
from pipeline.settings import Settings
from pipeline.topics import AGENT_CURSORS, AGENT_PARTITIONS

pytestmark = pytest.mark.integration
SESSION_SECONDS = 6.0
DEADLINE_SECONDS = 90


class Tenant:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.rows: dict[int, Rows] = {}
        self.leases: list[Lease] = []
        self.heard: list[str] = []
        self.ends: list[bool] = []
        self.halted: set[int] = set()
        self._changed = asyncio.Condition()

    async def begin(self, partition: int, rows: Rows, lease: Lease) -> None:
        assert partition not in self.rows
        self.rows[partition] = rows
        await self._note(lambda: self.leases.append(lease))

    async def told(self, partition: int, key: str, value: bytes | None) -> None:
        await self._note(lambda: self.heard.append(key))

    def halt(self, partition: int) -> None:
        self.halted.add(partition)

    async def end(self, partition: int, *, orderly: bool) -> None:
        del self.rows[partition]
        await self._note(lambda: self.ends.append(orderly))

    async def _note(self, noted: Callable[[], None]) -> None:
        async with self._changed:
            noted()
            self._changed.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(holds)


@asynccontextmanager
async def owning(settings: Settings, tenant: Tenant) -> AsyncIterator[Condition]:
    consumer, stop, condition = new_consumer(settings, SESSION_SECONDS), asyncio.Event(), Condition()
    await consumer.start()
    ownership = Ownership(consumer, tenant, condition, session_seconds=SESSION_SECONDS)
    running = asyncio.ensure_future(ownership.run(stop))
    try:
        yield condition
    finally:
        stop.set()
        await running
        await consumer.stop()


async def made(broker: Any, folder: Path) -> Settings:
    settings: Settings = broker.settings(Settings(data_dir=folder))
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics([AGENT_CURSORS_SPEC])
    return settings


async def test_a_commit_proves_membership_of_the_present_generation(
    new_broker: Callable[[Path], Any], tmp_path: Path
) -> None:
    settings = await made(new_broker(tmp_path), tmp_path)
    consumer = new_consumer(settings, SESSION_SECONDS)
    consumer.subscribe([AGENT_CURSORS])
    await consumer.start()
    try:
        while not consumer.assignment():
            await consumer.getmany(timeout_ms=100)
        place = {TopicPartition(AGENT_CURSORS, 0): OffsetAndMetadata(0, "")}
        await consumer.commit(place)
        # no public way to be somebody else
        coordinator: Any = consumer._coordinator
        coordinator.generation -= 1
        with pytest.raises(CommitFailedError):
            await consumer.commit(place)
    finally:
        await consumer.stop()


async def test_an_owner_has_read_all_rows_before_it_begins_and_hears_of_later_ones(
    new_broker: Callable[[Path], Any], tmp_path: Path
) -> None:
    settings = await made(new_broker(tmp_path), tmp_path)
    agents = [f"vk:{number}" for number in range(100)]
    async with row_writer(settings) as write:
        for cursor in ("1", "2"):
            for agent in agents:
                await write(agent, pack(agent, cursor))
        await write("vk:7", None)
        tenant = Tenant()
        async with owning(settings, tenant) as condition:
            await tenant.until(lambda: len(tenant.rows) == AGENT_PARTITIONS)
            found = {key: value for rows in tenant.rows.values() for key, value in rows.items()}
            assert found == {agent: pack(agent, "2") for agent in agents if agent != "vk:7"}
            assert all(key in tenant.rows[partition_of(key)] for key in found)
            assert all(lease.held for lease in tenant.leases)
            assert condition.ready().parts["partitions"] == "ok"
            await write("vk:7#request:x", b"{}")
            await tenant.until(lambda: tenant.heard == ["vk:7#request:x"])
    assert tenant.ends == [True] * AGENT_PARTITIONS and tenant.rows == {}


async def test_agents_stop_while_kafka_is_away_and_go_on_when_it_is_back(
    new_kafka: Callable[..., EmbeddedKafka], tmp_path: Path
) -> None:
    kafka = new_kafka(tmp_path)
    settings, tenant = await made(kafka, tmp_path), Tenant()
    async with owning(settings, tenant):
        await tenant.until(lambda: len(tenant.rows) == AGENT_PARTITIONS)
        kafka.nodes[0].pause()
        try:
            await tenant.until(lambda: len(tenant.ends) == AGENT_PARTITIONS)
            assert not any(lease.held for lease in tenant.leases) and not any(tenant.ends)
            assert tenant.halted == set(range(AGENT_PARTITIONS)), "before their ends were waited for"
        finally:
            kafka.nodes[0].resume()
        await tenant.until(lambda: len(tenant.rows) == AGENT_PARTITIONS)
        assert tenant.leases[-1].held
