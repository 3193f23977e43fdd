"""One contract for the in-memory publisher and for Kafka (the embedded broker)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from agents.base import PublishFailed, RecordTooLarge
from agents.kafka_session import connect
from agents.publisher import KafkaPublisher, Publisher, abandon
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS, RAW
from schemas import Author, DeadLetter, RawPost, Record, Watermark
from schemas.codec import decode, event_type, header
from tests.agents.memory_publisher import MemoryPublisher

PARTITIONS = 3
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Reader(Protocol):
    """Reads back what a publisher wrote to a partition, in order."""

    async def __call__(self, topic: str, partition: int, first: int) -> list[Record]: ...


def post(number: int, **fields: Any) -> RawPost:
    return RawPost(source="t", native_id=str(number), created_at=NOON, collected_at=NOON, **fields)  # type: ignore[call-arg]


def watermark(**fields: Any) -> Watermark:
    return Watermark(agent="t", watermark=NOON, partitions=PARTITIONS, **fields)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """A broker of this module: its topics have the contract's names."""
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def settings_of(broker: EmbeddedBroker) -> Settings:
    return Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=PARTITIONS)


@asynccontextmanager
async def kafka(broker: EmbeddedBroker) -> AsyncIterator[KafkaPublisher]:
    settings = settings_of(broker)
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
    async with connect(client_options(settings), idempotent=False) as publisher:
        yield publisher


def memory_reader(publisher: MemoryPublisher) -> Reader:
    async def read(topic: str, partition: int, first: int) -> list[Record]:
        return [
            sent.record
            for sent in publisher.sent
            if (sent.topic, sent.partition) == (topic, partition) and sent.offset >= first
        ]

    return read


def kafka_reader(broker: EmbeddedBroker, publisher: KafkaPublisher) -> Reader:
    async def read(topic: str, partition: int, first: int) -> list[Record]:
        last = publisher.offsets.get((topic, partition), -1)
        consumer = AIOKafkaConsumer(**client_options(settings_of(broker)), enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, partition)])
            consumer.seek(TopicPartition(topic, partition), first)
            records: list[Record] = []
            while first + len(records) <= last:
                records.append(_decoded(await consumer.getone()))
            return records
        finally:
            await consumer.stop()

    return read


def _decoded(message: Any) -> Record:
    models: dict[str | None, type[Record]] = {event_type(m): m for m in (RawPost, Watermark, DeadLetter)}
    return decode(models[header(message.headers, "ce_type")], message.value)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Publisher, Reader]]:
    if request.param == "memory":
        fake = MemoryPublisher(PARTITIONS)
        yield fake, memory_reader(fake)
        return
    broker = request.getfixturevalue("own_broker")
    async with kafka(broker) as real:
        yield real, kafka_reader(broker, real)


async def raw_ends(publisher: Publisher) -> dict[int, int]:
    """The next offset of each raw partition, seen through watermarks that mark the place."""
    await publisher.confirm(await publisher.publish(watermark(timeline="mark")))
    return {partition: publisher.offsets[RAW, partition] + 1 for partition in range(PARTITIONS)}


async def test_records_arrive_once_in_order_and_watermarks_in_every_partition(
    both: tuple[Publisher, Reader],
) -> None:
    publisher, read = both
    ends = await raw_ends(publisher)
    deliveries = []
    sent: list[Record] = [post(number, text="я" * 200) for number in range(3000)]
    sent[1000:1000] = [watermark()]
    sent.append(watermark(final=True))
    for record in sent:
        deliveries.extend(await publisher.publish(record))
    await publisher.confirm(deliveries)
    place_of = {record.model_dump_json(): place for place, record in enumerate(sent)}
    arrived: list[Record] = []
    for partition in range(PARTITIONS):
        records = await read(RAW, partition, ends[partition])
        places = [place_of[record.model_dump_json()] for record in records]
        assert places == sorted(places)  # also: posts before a watermark are before it, later ones behind
        assert [record for record in records if isinstance(record, Watermark)] == [
            watermark(),
            watermark(final=True),
        ]
        assert len(records) > 800
        arrived += [record for record in records if isinstance(record, RawPost)]
    assert sorted(record.event_id for record in arrived) == sorted(f"t:{number}" for number in range(3000))


async def test_a_key_stays_in_its_partition_and_both_publishers_choose_the_same(
    own_broker: EmbeddedBroker,
) -> None:
    fake = MemoryPublisher(PARTITIONS)
    async with kafka(own_broker) as real:
        for number in range(50):
            (one,) = await fake.publish(post(number))
            (other,) = await real.publish(post(number))
            assert (await one).partition == (await other).partition


async def test_offsets_are_those_of_the_last_confirmed_records(both: tuple[Publisher, Reader]) -> None:
    publisher, read = both
    letter = DeadLetter.of(
        b"{", stage="agent:t", origin="f:1", reason="not_json", detail="no", failed_at=NOON
    )
    assert (DEAD_LETTERS, 0) not in publisher.offsets
    first = await publisher.publish(letter)
    second = await publisher.publish(letter)
    await publisher.confirm([*first, *second])
    last = publisher.offsets[DEAD_LETTERS, 0]
    assert await read(DEAD_LETTERS, 0, last - 1) == [letter, letter]


async def test_the_number_of_raw_partitions_is_known(both: tuple[Publisher, Reader]) -> None:
    assert await both[0].raw_partitions() == PARTITIONS


async def test_a_record_above_the_limit_is_refused_and_the_largest_below_arrives(
    both: tuple[Publisher, Reader],
) -> None:
    publisher, _ = both
    with pytest.raises(RecordTooLarge, match="the limit is 900000"):
        await publisher.publish(post(1, author=Author(id="a", bio="x" * 900_000)))
    await publisher.confirm(await publisher.publish(post(1, author=Author(id="a", bio="x" * 899_000))))


async def test_the_fake_fails_on_demand() -> None:
    fake = MemoryPublisher()
    fake.failure = KafkaConnectionError("down")
    with pytest.raises(PublishFailed, match="did not take a record"):
        await fake.confirm(await fake.publish(post(1)))
    assert fake.sent == []


@pytest.mark.integration
async def test_an_absent_broker_is_an_error(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    broker.stop()
    with pytest.raises(PublishFailed, match="no Kafka broker at"):
        async with connect(client_options(settings_of(broker)), idempotent=False):
            raise AssertionError("connected to nothing")


@pytest.mark.integration
async def test_a_broker_that_goes_away_fails_deliveries_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.kafka_session.REQUEST_TIMEOUT_MS", 500)
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    try:
        async with kafka(broker) as publisher:
            await publisher.confirm(await publisher.publish(post(1)))
            broker.stop()
            with pytest.raises(PublishFailed):
                await publisher.confirm(await publisher.publish(post(2)))
            abandoned = await publisher.publish(post(3))
            abandon(abandoned)
            await asyncio.wait(abandoned)
            broker.start()
            async with KafkaAdmin(settings_of(broker)) as admin:
                await admin.ensure_topics()
            await _eventually_published(publisher, post(4))
    finally:
        broker.stop()


async def _eventually_published(publisher: Publisher, record: Record) -> None:
    while True:
        try:
            await publisher.confirm(await publisher.publish(record))
        except PublishFailed:
            continue
        return
