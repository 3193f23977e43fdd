"""The states that ``molva up`` keeps on disk are never ahead of what ClickHouse has of their records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.drain import HOPS
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.state import load
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.memory_only import state_keepers
from pipeline.settings import Settings
from pipeline.topics import ALERTS, DETECTION_STATE, NOTIFICATION_STATE, SPIKES

pytestmark = pytest.mark.integration

KEPT = {"detection.json.gz": (DETECTION_STATE, SPIKES), "notification.json.gz": (NOTIFICATION_STATE, ALERTS)}
"""File -> the topic of its state, and the records that the state implies."""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with EmbeddedBroker(tmp_path / "broker") as broker:
        yield Settings(
            kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=2, data_dir=tmp_path / "data"
        )


@pytest.mark.parametrize("file", KEPT)
@pytest.mark.parametrize("stored", [False, True])
def test_a_state_is_saved_once_its_records_are_stored(settings: Settings, file: str, stored: bool) -> None:
    topic, records = KEPT[file]

    async def publish_and_store() -> None:
        async with AIOKafkaProducer(**client_options(settings)) as producer:
            await producer.send_and_wait(records, b"{}", key=b"k", partition=0)
            await producer.send_and_wait(topic, b"state", key=b"k", partition=0)
        async with AIOKafkaConsumer(**client_options(settings), group_id=HOPS[-1].group) as storage:
            place = TopicPartition(records, 0)
            storage.assign([place])
            await storage.commit({place: 1 if stored else 0})

    async def create() -> None:
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()

    asyncio.run(create())
    keepers = state_keepers(settings)
    for keeper in keepers:
        keeper.start()
    asyncio.run(publish_and_store())
    for keeper in keepers:
        keeper.stop()
    path = settings.data_dir / "state" / file
    assert (load(path) == {(0, b"k"): b"state"}) == stored
