"""What runs without Apache Kafka have saved in a data dir moves over at the first start with it, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.state import State, save
from pipeline.kafka import KafkaAdmin, client_options, state_specs
from pipeline.memory_only import CURSORS, UNFINISHED, move_to_kafka
from pipeline.settings import Settings
from pipeline.topics import DETECTION_STATE, NOTIFICATION_STATE

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DETECTORS: State = {(0, b"sber"): b"x" * 2_000_000, (3, b"vtb"): b"learned"}
INCIDENTS: State = {(0, b"incident"): b"open"}


async def read(settings: Settings, topic: str) -> State:
    """All records of a topic, by partition and key."""
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets([topic])
    consumer = AIOKafkaConsumer(**client_options(settings), auto_offset_reset="earliest")
    await consumer.start()
    found: list[tuple[tuple[int, bytes], bytes]] = []
    try:
        consumer.assign([TopicPartition(*place) for place in ends])
        while len(found) < sum(ends.values()):
            record = await consumer.getone()
            found.append(((record.partition, record.key), record.value))
    finally:
        await consumer.stop()
    assert len({place for place, _ in found}) == len(found)
    return dict(found)


async def create(settings: Settings) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics(state_specs(settings))


def test_states_move_once_and_cursors_of_a_crash_are_forgotten(
    new_kafka: Callable[..., EmbeddedKafka], tmp_path: Path
) -> None:
    settings = new_kafka(tmp_path).settings(Settings(data_dir=tmp_path))
    asyncio.run(create(settings))
    save(tmp_path / "state" / "detection.json.gz", DETECTORS)
    save(tmp_path / "state" / "notification.json.gz", INCIDENTS)
    (tmp_path / CURSORS).mkdir()
    (tmp_path / UNFINISHED).touch()
    said: list[str] = []
    move_to_kafka(settings, said.append)
    move_to_kafka(settings, said.append)
    assert asyncio.run(read(settings, DETECTION_STATE)) == DETECTORS
    assert asyncio.run(read(settings, NOTIFICATION_STATE)) == INCIDENTS
    assert not (tmp_path / CURSORS).exists()
    assert not (tmp_path / UNFINISHED).exists()
    assert len(said) == 3
    assert "agents read again" in said[0]
    assert DETECTION_STATE in said[1]
