"""The agent killed while requests are in flight: every post that was answered with 202 is in Kafka."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.topics import RAW
from tests.agents.http.serving import TOKEN, encoded, row
from tests.sink.worlds import until

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
PARTITIONS = 2
BATCH = 60
KILLS = 2
SENDERS = 4


@asynccontextmanager
async def agent(settings: Settings) -> AsyncIterator[tuple[Process, str]]:
    """``molva agent http`` as a process of its own, and where it takes posts."""
    environment = {**os.environ, **settings.environment(), "MOLVA_HTTP_TOKEN": TOKEN, "MOLVA_HTTP_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipeline.cli", "agent", "http", stderr=PIPE, env=environment, cwd=ROOT
    )
    assert process.stderr is not None
    try:
        while b"taking posts on" not in (line := await process.stderr.readline()):
            assert line, "it did not start"
        yield process, line.decode().split()[-1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def send(url: str, numbers: count[int], answered: set[str]) -> None:
    """Post batches until nobody is there any more."""
    async with ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        while True:
            ids = [next(numbers) for _ in range(BATCH)]
            try:
                async with session.post(url, data=encoded(*map(row, ids))) as answer:
                    if answer.status == 202:
                        answered.update(f"crm:{number}" for number in ids)
            except ClientError:
                return


def _reached(answered: set[str], goal: int) -> bool:
    return len(answered) >= goal


async def stored(settings: Settings) -> set[str]:
    """The keys of all records."""
    places = [TopicPartition(RAW, partition) for partition in range(PARTITIONS)]
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets([RAW])
    keys: set[str] = set()
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                keys.update(record.key.decode() for record in records if record.key)
    finally:
        await consumer.stop()
    return keys


async def test_what_was_answered_with_202_is_there_after_kill_9(tmp_path: Path) -> None:
    answered: set[str] = set()
    numbers = count()
    with EmbeddedBroker(tmp_path / "broker") as broker:
        settings = broker.settings(Settings(data_dir=tmp_path, partitions=PARTITIONS))
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()
        for _ in range(KILLS):
            async with agent(settings) as (process, url):
                goal = len(answered) + 10 * BATCH
                sending = [asyncio.ensure_future(send(url, numbers, answered)) for _ in range(SENDERS)]
                await until(partial(_reached, answered, goal))
                process.kill()
                await asyncio.gather(*sending)
        assert len(answered) >= KILLS * 10 * BATCH
        assert answered <= await stored(settings)
