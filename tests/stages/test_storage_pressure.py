"""Storage under pressure: partitions are paused before memory grows; a hanging ClickHouse delays no stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from pipeline import topics
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.settings import Settings
from pipeline.sink.buffer import Buffer, Limits
from pipeline.stages.storage import BUFFERED_BYTES, Storage
from pipeline.supervisor import STOP_S
from tests.sink import samples
from tests.sink.samples import Stored
from tests.sink.worlds import World, new_world, running, until

LIMITS = Limits(rows=10_000, size=10**9, linger=3600.0)


class Consumer:
    """Remembers which partitions are paused."""

    def __init__(self, count: int) -> None:
        self.own = {TopicPartition(topics.ENRICHED, number) for number in range(count)}
        self.held: set[TopicPartition] = set()

    def assignment(self) -> set[TopicPartition]:
        return set(self.own)

    def paused(self) -> set[TopicPartition]:
        return set(self.held)

    def pause(self, *partitions: TopicPartition) -> None:
        self.held |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.held -= set(partitions)


def storage_of(consumer: Consumer) -> tuple[Storage, dict[int, Buffer]]:
    """A storage stage whose writers do nothing."""
    around: Any = None
    storage = Storage(consumer, around, LIMITS)
    buffers = {at.partition: Buffer(LIMITS, lambda: 0.0) for at in consumer.own}
    writers: dict[Any, Any] = {
        at: (SimpleNamespace(buffer=buffers[at.partition]), None) for at in consumer.own
    }
    storage._writers = writers
    return storage, buffers


def records(count: int, size: int) -> Iterable[Stored]:
    return [Stored(topics.ENRICHED, 0, offset, 0, b"x" * size, ()) for offset in range(count)]


async def test_all_partitions_together_are_bounded() -> None:
    consumer = Consumer(5)
    storage, buffers = storage_of(consumer)
    for number in range(3):
        buffers[number].add(records(1, BUFFERED_BYTES // 4))
    storage._hold_back()
    assert consumer.held == set()
    buffers[3].add(records(1, BUFFERED_BYTES // 4))
    storage._hold_back()
    assert {at.partition for at in consumer.held} == {0, 1, 2, 3}, "an empty one may have its first records"
    for number in range(3):
        buffers[number].close()
        assert len(await buffers[number].take()) == 1
    storage._hold_back()
    assert consumer.held == set()


async def test_a_batch_that_is_resumed_gets_all_its_records() -> None:
    consumer = Consumer(2)
    storage, buffers = storage_of(consumer)
    resuming = asyncio.ensure_future(buffers[0].take_up_to(1))
    await asyncio.sleep(0)
    buffers[0].add(list(records(1, 10)))
    buffers[1].add(records(1, BUFFERED_BYTES))
    storage._hold_back()
    assert {at.partition for at in consumer.held} == {1}
    buffers[0].close()
    assert await resuming is None


@pytest.fixture
async def hanging(
    settings: Callable[..., Settings], tmp_path: Path
) -> AsyncIterator[tuple[World, EmbeddedClickHouse]]:
    """A world with a ClickHouse of its own, which may be stopped."""
    with EmbeddedClickHouse(tmp_path / "ch") as server:
        options = server.client_options()
        where = {
            "clickhouse_host": options["host"],
            "clickhouse_port": options["port"],
            "clickhouse_user": options["user"],
            "clickhouse_password": options["password"],
        }
        async with new_world(settings(**where), tmp_path) as world:
            yield world, server


@pytest.mark.integration
@pytest.mark.timeout(180)
async def test_storage_ends_in_time_while_clickhouse_hangs_and_loses_nothing(
    hanging: tuple[World, EmbeddedClickHouse],
) -> None:
    """The server is stopped between two batches: in the midst of one, storage would wait and take no more."""
    world, server = hanging
    async with AsyncExitStack() as stack:
        metrics = await stack.enter_async_context(running(world.settings))
        await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(10)])
        await until(lambda: of_posts(metrics.records_out) == 10)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(10, 400)])
            await until(lambda: of_posts(metrics.records_in) > 10)
            async with asyncio.timeout(STOP_S):
                await stack.aclose()
        finally:
            os.kill(server.pid, signal.SIGCONT)
    async with running(world.settings):
        await world.holds("SELECT count() FROM posts", 400)
    assert world.ask("SELECT uniqExact(id) FROM posts") == 400


def of_posts(counter: Any) -> float:
    """What a counter says of the enriched posts that storage has read."""
    return float(counter.labels("storage", topics.ENRICHED)._value.get())
