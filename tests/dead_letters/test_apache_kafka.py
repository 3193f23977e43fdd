"""Replays on Apache Kafka, with the idempotent producer that the embedded broker does not know."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from pipeline import topics
from pipeline.dead_letters.originals import REPLAY_OF
from pipeline.dead_letters.replaying import replay
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from schemas.codec import header
from tests.dead_letters.reading import records_of
from tests.dead_letters.worlds import given_up, open_store
from tests.sink import samples
from tests.sink.worlds import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(280)]


async def test_a_record_goes_back_as_it_was_and_only_once(
    settings: Callable[..., Settings], new_kafka: Callable[..., EmbeddedKafka], tmp_path: Path
) -> None:
    here = new_kafka(tmp_path).settings(settings(clickhouse_database=f"t_{uuid.uuid4().hex}", partitions=2))
    async with KafkaAdmin(here) as admin:
        await admin.ensure_topics()
    with connect(here, "default") as client:
        migrate(client, here.clickhouse_database)
    producer = AIOKafkaProducer(**client_options(here))
    await producer.start()
    world = World(here, producer)
    await world.send(topics.RAW, [samples.raw_post(number) for number in range(20)])
    await producer.stop()
    letters = await given_up(world)
    with open_store(here) as store:
        first = await replay(here, store, letters, "first")
        again = await replay(here, store, letters, "second")
    assert {each.status for each in first} == {"sent"}
    assert {each.status for each in again} == {"already sent"}
    records = await records_of(here, topics.RAW)
    copies = [each for each in records if header(each.headers, REPLAY_OF)]
    assert len(records) == 40
    assert sorted((each.key, each.value, each.partition) for each in copies) == sorted(
        (each.key, each.value, each.partition) for each in records if each not in copies
    )
    assert {f"{each.topic}:{each.partition}:{each.offset}" for each in copies} == {o.detail for o in first}
