"""The detector's state is followed into a file, against a real broker that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.state import After, BrokenSnapshot, NotFollowed, StateKeeper, load, save
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings

TOPIC = "changelog"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def settings(broker: EmbeddedBroker) -> Settings:
    return Settings(kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=2)


async def write(settings: Settings, key: bytes, value: bytes | None, partition: int = 0) -> None:
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        await producer.send_and_wait(TOPIC, key=key, value=value, partition=partition)


def test_large_values_come_back_and_changes_are_followed(settings: Settings, tmp_path: Path) -> None:

    file = tmp_path / "state.gz"
    save(file, {(0, b"large"): b"x" * 2_000_000, (1, b"old"): b"1", (1, b"gone"): b"1"})
    keeper = StateKeeper(settings, TOPIC, file)
    keeper.start()
    asyncio.run(write(settings, b"old", b"2", 1))
    asyncio.run(write(settings, b"gone", None, 1))
    keeper.check()
    keeper.stop()
    assert load(file) == {(0, b"large"): b"x" * 2_000_000, (1, b"old"): b"2"}


def test_a_broker_that_dies_costs_nothing_that_was_known(
    broker: EmbeddedBroker, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "state.gz"
    save(file, {(0, b"k"): b"v"})
    keeper = StateKeeper(settings, TOPIC, file)
    keeper.start()
    os.kill(broker.pid, signal.SIGKILL)
    file.unlink()
    with pytest.raises(NotFollowed, match=r"state\.gz"):
        keeper.stop()
    with pytest.raises(NotFollowed):
        keeper.check()
    assert load(file) == {(0, b"k"): b"v"}


@pytest.mark.parametrize("harm", [lambda b: b[:40], lambda b: b[:12] + b"\xff" * 8 + b[20:], lambda b: b"{}"])
def test_a_snapshot_that_was_harmed_is_named(harm: object, tmp_path: Path) -> None:
    file = tmp_path / "state.gz"
    save(file, {(0, os.urandom(9)): os.urandom(900)})
    file.write_bytes(harm(file.read_bytes()))  # type: ignore[operator]
    with pytest.raises(BrokenSnapshot, match="remove it"):
        load(file)


@pytest.mark.parametrize("committed", [None, 1, 2])
def test_a_snapshot_counts_only_once_storage_has_its_spikes(
    settings: Settings, tmp_path: Path, committed: int | None
) -> None:
    file = tmp_path / "state.gz"
    save(file, {(0, b"k"): b"before"})

    async def tell_two_spikes() -> None:
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics([TopicSpec("spikes", 1, {})])
        async with AIOKafkaProducer(**client_options(settings)) as producer:
            for spike in (b"1", b"2"):
                await producer.send_and_wait("spikes", spike)
        if committed is not None:
            place = TopicPartition("spikes", 0)
            async with AIOKafkaConsumer(**client_options(settings), group_id="storage") as consumer:
                consumer.assign([place])
                await consumer.commit({place: committed})

    asyncio.run(tell_two_spikes())
    keeper = StateKeeper(settings, TOPIC, file, After("storage", "spikes"))
    keeper.start()
    asyncio.run(write(settings, b"k", b"after"))
    keeper.stop()
    assert load(file) == {(0, b"k"): b"after" if committed == 2 else b"before"}
