"""The producer on brokers of both kinds: order, partitions, batches of any size, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.emission import MAX_RECORD_BYTES, Outgoing
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.producer import MAX_REQUEST_BYTES, Producer
from pipeline.settings import Settings
from schemas import Origin
from schemas.codec import Message

TOPIC, PARTITIONS = "test.producer", 3
HEADERS = [("ce_type", b"x"), ("empty", b"")]


def item(number: int, size: int = 10, **fields: Any) -> Outgoing:
    value = f"{number:06d}".encode().ljust(size, b".")
    return Outgoing(TOPIC, Message(f"key {number % 7}".encode(), value, HEADERS), **fields)


@pytest.fixture
async def topic(shared_broker: EmbeddedBroker | EmbeddedKafka) -> Settings:
    chosen = shared_broker.settings(Settings())
    async with KafkaAdmin(chosen) as admin:
        await admin.ensure_topics(
            [TopicSpec(TOPIC, PARTITIONS, {"max.message.bytes": str(MAX_REQUEST_BYTES)})]
        )
    return chosen


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[Callable[[Sequence[Origin]], Any]]:
    consumer = AIOKafkaConsumer(**client_options(settings), max_partition_fetch_bytes=8 * 1024 * 1024)
    await consumer.start()

    async def read(origins: Sequence[Origin]) -> list[Any]:
        places = {TopicPartition(at.topic, at.partition) for at in origins}
        consumer.assign(places)
        wanted = {(at.partition, at.offset) for at in origins}
        for partition in {at.partition for at in origins}:
            first = min(at.offset for at in origins if at.partition == partition)
            consumer.seek(TopicPartition(TOPIC, partition), first)
        found: dict[tuple[int, int], Any] = {}
        while not wanted <= found.keys():
            record = await consumer.getone()
            found[record.partition, record.offset] = record
        return [found[at.partition, at.offset] for at in origins]

    try:
        yield read
    finally:
        await consumer.stop()


async def test_messages_stand_where_the_producer_says_in_order(topic: Settings) -> None:
    items = [item(number) for number in range(500)]
    async with Producer(topic) as producer, reader(topic) as read:
        origins = await producer.send(items)
        records = await read(origins)
    assert [record.value for record in records] == [each.message.value for each in items]
    assert {tuple(record.headers) for record in records} == {tuple(HEADERS)}
    for partition in range(PARTITIONS):
        offsets = [at.offset for at in origins if at.partition == partition]
        assert offsets == sorted(offsets)


async def test_keys_decide_as_they_do_in_every_client_of_kafka(topic: Settings) -> None:
    items = [item(number) for number in range(20)]
    every = list(range(PARTITIONS))
    async with Producer(topic) as producer:
        origins = await producer.send(items)
    assert [at.partition for at in origins] == [
        DefaultPartitioner()(each.message.key, every, every) for each in items
    ]


async def test_a_stated_partition_and_moment_are_kept(topic: Settings) -> None:
    moment = datetime(2026, 3, 2, 10, 0, 0, 123_000, tzinfo=UTC)
    items = [item(number, partition=2 - number % 3, timestamp=moment) for number in range(6)]
    async with Producer(topic) as producer, reader(topic) as read:
        origins = await producer.send(items)
        records = await read(origins)
    assert [at.partition for at in origins] == [2, 1, 0, 2, 1, 0]
    assert {record.timestamp for record in records} == {round(moment.timestamp() * 1000)}


async def test_what_fills_several_batches_arrives_whole(topic: Settings) -> None:
    sizes = [200_000, 100_000, MAX_RECORD_BYTES, 10, 260_000, 10]
    items = [item(number, size, partition=1) for number, size in enumerate(sizes)]
    async with Producer(topic) as producer, reader(topic) as read:
        origins = await producer.send(items)
        records = await read(origins)
    assert [at.offset - origins[0].offset for at in origins] == list(range(6))
    assert [len(record.value) for record in records] == sizes


async def test_nothing_is_sent_where_one_message_is_too_large(topic: Settings) -> None:
    async with Producer(topic) as producer:
        (before,) = await producer.send([item(0, partition=0)])
        with pytest.raises(MessageSizeTooLargeError, match=TOPIC):
            await producer.emit([item(1, partition=0), item(2, MAX_REQUEST_BYTES)])
        (after,) = await producer.send([item(3, partition=0)])
    assert after.offset == before.offset + 1


async def test_nothing_to_send_is_sent_at_once(topic: Settings) -> None:
    async with Producer(topic) as producer:
        assert await producer.send([]) == []
