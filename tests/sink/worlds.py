"""What the tests of the storage stage stand on: a broker and a database of their own, and questions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from pipeline.stages import storage
from schemas import DeadLetter, Record
from schemas.codec import Message, encode

Broker = EmbeddedBroker | EmbeddedKafka
Emit = Callable[[DeadLetter], Awaitable[None]]


@dataclass(frozen=True)
class World:
    """A fresh broker with the topics of the contract and a fresh, migrated database."""

    settings: Settings
    producer: Any

    async def send(self, topic: str, records: Iterable[Record | Message]) -> None:
        """Send and await every confirmation."""
        messages = [record if isinstance(record, Message) else encode(record) for record in records]
        sent = [
            await self.producer.send(topic, message.value, key=message.key, headers=message.headers)
            for message in messages
        ]
        await asyncio.gather(*sent)

    def ask(self, query: str) -> Any:
        """The first value of the answer."""
        client = connect(self.settings)
        try:
            return client.execute(query)[0][0]
        finally:
            client.disconnect()

    async def holds(self, query: str, expected: object) -> None:
        """Return when the answer is ``expected``."""
        await until(lambda: self.ask(query) == expected)

    async def unread(self, *names: str) -> set[int]:
        """How far the group's commits are behind the ends of the topics."""
        async with KafkaAdmin(self.settings) as admin:
            ends = await admin.end_offsets(names)
            found = await admin.committed_offsets(storage.GROUP, list(ends))
        return {end - (found[place] or 0) for place, end in ends.items()}


@asynccontextmanager
async def new_world(base: Settings, directory: Path, broker: Broker | None = None) -> AsyncIterator[World]:
    """Storage reads the topics of the contract, so each test has a broker of its own: the one that is given,
    started and empty, or an embedded one.
    """
    with EmbeddedBroker(directory) if broker is None else nullcontext(broker) as own:
        settings = own.settings(base).model_copy(
            update={
                "clickhouse_database": f"t_{uuid.uuid4().hex}",
                "partitions": 2,
                "storage_batch": 50,
                "storage_linger": timedelta(milliseconds=50),
            }
        )
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()
        producer = AIOKafkaProducer(**client_options(settings))
        await producer.start()
        try:
            with _database(settings):
                yield World(settings, producer)
        finally:
            await producer.stop()


@contextmanager
def _database(settings: Settings) -> Iterator[None]:
    admin = connect(settings, "default")
    migrate(admin, settings.clickhouse_database)
    admin.disconnect()
    yield
    admin = connect(settings, "default")
    admin.execute(f"DROP DATABASE {settings.clickhouse_database} SYNC")
    admin.disconnect()


async def no_dead_letter(letter: DeadLetter) -> None:
    """For tests whose records are all good."""
    raise AssertionError(f"unexpected dead letter: {letter}")


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(settings: Settings, emit: Emit = no_dead_letter) -> AsyncIterator[Metrics]:
    """Storage in this process; at the end of the block it is stopped in order."""
    metrics, stop = Metrics(), asyncio.Event()
    task = asyncio.create_task(storage.run(settings, metrics, stop, emit_dead_letter=emit, now=utc_now))
    try:
        yield metrics
    finally:
        stop.set()
        await task


async def until(done: Callable[[], bool]) -> None:
    """Poll what has no event to wait for; the test's own time limit ends a vain wait."""
    while not await asyncio.to_thread(done):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """A sample of the registry, 0 where there is none."""
    return metrics.registry.get_sample_value(name, labels) or 0.0
