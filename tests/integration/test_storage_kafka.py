"""Storage on Apache Kafka, where commits are fenced: zombies, workers that come and go, a dead broker."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline import topics
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin
from pipeline.kafka_offsets import retry
from pipeline.settings import Settings
from pipeline.sink.batch import Batch
from pipeline.sink.tables import BY_TOPIC
from pipeline.stages.storage import GROUP
from tests.integration.test_storage_kill import POSTS, assert_exact, feed, start_worker
from tests.sink import samples
from tests.sink.worlds import World, new_world, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture
def kafka(new_kafka: Callable[..., EmbeddedKafka], tmp_path: Path) -> EmbeddedKafka:
    return new_kafka(tmp_path)


@pytest.fixture
async def world(
    kafka: EmbeddedKafka, settings: Callable[..., Settings], tmp_path: Path
) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path, kafka) as made:
        yield made


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Process]:
    """A storage worker as a process; killed at the end, if it still runs."""
    process = await start_worker(settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def all_committed(world: World) -> None:
    """Return when the group has committed the ends of all topics."""
    while await world.unread(*BY_TOPIC) != {0}:  # noqa: ASYNC110 — other processes tell no event
        await asyncio.sleep(0.1)


async def test_an_intent_stands_in_the_commit_and_the_next_worker_keeps_to_it(
    world: World, kafka: EmbeddedKafka
) -> None:
    """What the protocol rests on: Apache Kafka keeps the metadata of a commit."""
    await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(100)])
    async with worker(world.settings.model_copy(update={"clickhouse_port": 1})) as stuck:
        intents = await declared(world)
        stuck.kill()
        await stuck.wait()
    async with running(world.settings):
        await world.holds("SELECT count() FROM posts", 100)
    stored = world.ask("SELECT groupUniqArray(_batch) FROM posts")
    assert {Batch(kafka.cluster_id, topics.ENRICHED, *intent).digest for intent in intents} <= {*stored}


async def declared(world: World) -> list[tuple[int, int, int]]:
    """Intents of the enriched posts, as soon as there is one: partition, first and last offset."""
    async with KafkaAdmin(world.settings) as admin:
        places = list(await admin.end_offsets([topics.ENRICHED]))
        while True:
            found = await retry(lambda _: admin._client.list_consumer_group_offsets(GROUP, partitions=places))
            told = [
                (place.partition, at.offset, int(at.metadata))
                for place, at in found.items()
                if at.offset >= 0 and at.metadata
            ]
            if told:
                return told
            await asyncio.sleep(0.1)


async def test_a_zombie_neither_doubles_nor_commits(world: World) -> None:
    """A worker is stopped in its tracks, loses its partitions to another, and wakes up in its old batch."""
    await feed(world)
    async with worker(world.settings) as zombie, worker(world.settings.model_copy()) as heir:
        await world.holds("SELECT count() >= 100 FROM posts", 1)
        os.kill(zombie.pid, signal.SIGSTOP)
        await world.holds("SELECT count() FROM posts", POSTS)  # needs the zombie's partitions
        await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(50)])
        os.kill(zombie.pid, signal.SIGCONT)
        await all_committed(world)
        assert heir.returncode is None
    async with running(world.settings):  # ends what the killed ones may have left undone
        await world.holds("SELECT sum(mentions) FROM mentions_1d", POSTS)
    assert_exact(world)


async def test_workers_come_and_go_while_posts_flow(world: World) -> None:
    """Rebalance upon rebalance of a real group, by joining, leaving in order and kill -9."""
    flow = asyncio.create_task(feed(world))
    async with worker(world.settings) as first:
        await world.holds("SELECT count() > 0 FROM posts", 1)
        async with running(world.settings):
            await world.holds("SELECT count() >= 300 FROM posts", 1)
            async with worker(world.settings):
                await world.holds("SELECT count() >= 600 FROM posts", 1)
        first.terminate()
        await first.wait()
    await flow
    async with running(world.settings):
        await world.holds("SELECT count() FROM posts", POSTS)
        await world.holds("SELECT sum(mentions) FROM mentions_1d", POSTS)
        await all_committed(world)
    assert_exact(world)


async def test_the_only_broker_dies_three_times(world: World, kafka: EmbeddedKafka) -> None:
    """It comes back on its data; storage stays and goes on where it was."""
    await feed(world)
    node = kafka.nodes[0]
    async with worker(world.settings) as process:
        for at_least in (50, 400, 800):
            await world.holds(f"SELECT count() >= {at_least} FROM posts", 1)
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(node.start)
        await world.holds("SELECT count() FROM posts", POSTS)
        await world.holds("SELECT sum(mentions) FROM mentions_1d", POSTS)
        await all_committed(world)
        assert process.returncode is None
    assert_exact(world)
