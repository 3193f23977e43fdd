"""Questions to Kafka, to both kinds of broker: exact ends, commits, lag, topics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, TopicMismatch, TopicSpec, client_options
from pipeline.kafka_offsets import high_watermarks
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS, ENRICHED, RAW, TOPICS

pytestmark = pytest.mark.integration

Broker = EmbeddedBroker | EmbeddedKafka


@pytest.fixture
def own_settings(shared_broker: Broker) -> Settings:
    return shared_broker.settings(Settings(partitions=3))


@pytest.fixture
async def admin(own_settings: Settings) -> AsyncIterator[KafkaAdmin]:
    async with KafkaAdmin(own_settings) as connected:
        yield connected


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**client_options(settings), linger_ms=20)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def new_topic(admin: KafkaAdmin, partitions: int = 3) -> str:
    name = f"test.{uuid4().hex}"
    assert await admin.ensure_topics([TopicSpec(name, partitions, {})]) == [name]
    return name


async def send(settings: Settings, topic: str, partition: int, batches: list[int]) -> None:
    async with producing(settings) as producer:
        for count in batches:
            for number in range(count):
                await producer.send(topic, b"%d" % number * 20, partition=partition)
            await producer.flush()


async def test_the_cluster_id_is_the_broker_s_own(admin: KafkaAdmin, shared_broker: Broker) -> None:
    assert await admin.cluster_id() == shared_broker.cluster_id


async def test_topics_of_the_contract_are_created_once(
    new_broker: Callable[[Path], Broker], tmp_path: Path
) -> None:
    fresh = new_broker(tmp_path).settings(Settings(partitions=3))
    async with KafkaAdmin(fresh) as admin:
        assert await admin.topics() == {}
        assert await admin.ensure_topics() == [topic.name for topic in TOPICS]
        assert await admin.ensure_topics() == []
        wide = {topic.name for topic in TOPICS if topic.spread}
        if fresh.kafka_kind == "embedded":
            wide -= {ENRICHED}  # one storage worker alone reads it
        assert await admin.topics() == {topic.name: 3 if topic.name in wide else 1 for topic in TOPICS}
    async with KafkaAdmin(fresh.model_copy(update={"partitions": 5})) as admin:
        with pytest.raises(TopicMismatch, match=f"{RAW} has 3 partitions, the settings say 5"):
            await admin.ensure_topics()
        assert DEAD_LETTERS in await admin.topics()


async def test_two_processes_may_create_a_topic_at_once(admin: KafkaAdmin, own_settings: Settings) -> None:
    spec = TopicSpec(f"test.{uuid4().hex}", 2, {"retention.ms": "1000"})
    async with KafkaAdmin(own_settings) as other:
        await admin._create([spec])
        await other._create([spec])
    assert await admin.ensure_topics([spec]) == []


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=strategies.lists(strategies.integers(1, 400), max_size=4))
async def test_ends_are_exact_after_batches_of_any_size(
    admin: KafkaAdmin, own_settings: Settings, batches: list[int]
) -> None:
    topic = await new_topic(admin)
    await send(own_settings, topic, 1, batches)
    ends = await admin.end_offsets([topic])
    assert ends == {(topic, 0): 0, (topic, 1): sum(batches), (topic, 2): 0}


async def test_ends_over_a_consumer_s_connections_do_not_disturb_it(
    admin: KafkaAdmin, own_settings: Settings
) -> None:
    topic = await new_topic(admin)
    await send(own_settings, topic, 0, [5000, 3])
    await send(own_settings, topic, 2, [1])
    partitions = [TopicPartition(topic, number) for number in range(3)]
    consumer = AIOKafkaConsumer(**client_options(own_settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(partitions)
        first = await consumer.getone(partitions[0])
        assert await high_watermarks(consumer, partitions) == dict(zip(partitions, (5003, 0, 1), strict=True))
        assert (first.offset, await consumer.position(partitions[0])) == (0, 1)
        assert (await consumer.getone(partitions[0])).offset == 1
        assert await high_watermarks(consumer, []) == {}
    finally:
        await consumer.stop()


async def test_ends_of_many_topics_come_together(admin: KafkaAdmin, own_settings: Settings) -> None:
    names = [await new_topic(admin, 4) for _ in range(6)]
    async with producing(own_settings) as producer:
        for number in range(6 * 4 * 50):
            await producer.send(names[number % 6], b"x" * 300, partition=number // 6 % 4)
    ends = await admin.end_offsets(names)
    assert len(ends) == 24
    assert set(ends.values()) == {50}


async def test_commits_and_lag(admin: KafkaAdmin, own_settings: Settings) -> None:
    topic, group = await new_topic(admin), f"group.{uuid4().hex}"
    partitions = [TopicPartition(topic, number) for number in range(3)]
    await send(own_settings, topic, 0, [700])
    await send(own_settings, topic, 1, [30])
    assert await admin.committed_offsets(group, partitions) == dict.fromkeys(partitions)
    consumer = AIOKafkaConsumer(**client_options(own_settings), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.commit({partitions[0]: 690})
    finally:
        await consumer.stop()
    committed = await admin.committed_offsets(group, partitions)
    assert committed == dict(zip(partitions, (690, None, None), strict=True))
    assert await admin.lag(group, [topic]) == dict(zip(partitions, (10, 30, 0), strict=True))
    assert await admin.committed_offsets(group, []) == {}
    assert await admin.lag(group, []) == {}


async def test_questions_about_an_unknown_topic_fail_and_do_not_create_it(
    admin: KafkaAdmin, own_settings: Settings
) -> None:
    with pytest.raises(UnknownTopicOrPartitionError, match=r"test\.nowhere"):
        await admin.end_offsets(["test.nowhere"])
    with pytest.raises(UnknownTopicOrPartitionError, match=r"test\.nowhere"):
        await high_watermarks(admin._client, [TopicPartition("test.nowhere", 0)])
    known = await new_topic(admin, 1)
    with pytest.raises(UnknownTopicOrPartitionError):
        await high_watermarks(admin._client, [TopicPartition(known, 1)])
    assert "test.nowhere" not in await admin.topics()


async def test_a_broker_that_is_away_is_an_error(own_settings: Settings) -> None:
    away = own_settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(KafkaConnectionError):
        async with KafkaAdmin(away):
            pass


def test_credentials_reach_the_clients() -> None:
    settings = Settings(
        kafka_security="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_username="anna",
        kafka_password="secret",
    )
    options = client_options(settings)
    context = options.pop("ssl_context")
    assert context.check_hostname
    assert options == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "anna",
        "sasl_plain_password": "secret",
    }
