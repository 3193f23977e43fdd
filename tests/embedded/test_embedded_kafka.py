"""Apache Kafka in child processes: data stays, one broker of three dies, what is missing is told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.embedded import kafka_jars
from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.kafka_jars import KafkaUnavailable, cached_jars, find_java, find_kafka
from pipeline.embedded.metadata import read_cluster
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NewKafka = Callable[..., EmbeddedKafka]


async def write(settings: Settings, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(**client_options(settings), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send(topic, b"%d" % number) for number in range(count)])
    finally:
        await producer.stop()


async def read(settings: Settings, topic: str, count: int) -> list[int]:
    consumer = AIOKafkaConsumer(**client_options(settings), auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [int((await consumer.getone()).value) for _ in range(count)]
    finally:
        await consumer.stop()


async def new_topic(settings: Settings, partitions: int = 1) -> str:
    name = f"test.{uuid4().hex}"
    async with KafkaAdmin(settings) as admin:
        assert await admin.ensure_topics([TopicSpec(name, partitions, {})]) == [name]
    return name


def test_what_was_written_is_there_after_a_stop_and_after_a_kill(
    new_kafka: NewKafka, tmp_path: Path, await_gone: Callable[..., None]
) -> None:
    kafka = new_kafka(tmp_path)
    settings, address = kafka.settings(Settings()), kafka.bootstrap
    topic = asyncio.run(new_topic(settings))
    asyncio.run(write(settings, topic, 500))
    pid = kafka.pid
    kafka.nodes[0].kill()
    await_gone(pid)
    assert kafka.child.exit_code() == 128 + signal.SIGKILL
    kafka.nodes[0].start()
    assert kafka.bootstrap == address
    assert asyncio.run(read(settings, topic, 500)) == list(range(500))
    kafka.stop()
    kafka.stop()
    with EmbeddedKafka(tmp_path, short_lived=True) as again:
        assert again.cluster_id == kafka.cluster_id
        assert asyncio.run(read(again.settings(Settings()), topic, 500)) == list(range(500))


def test_three_brokers_take_records_while_one_is_dead_and_it_catches_up(
    new_kafka: NewKafka, tmp_path: Path
) -> None:
    kafka = new_kafka(tmp_path, brokers=3)
    settings = kafka.settings(Settings())
    assert settings.replicas == 3
    topic = asyncio.run(new_topic(settings))
    asyncio.run(write(settings, topic, 200))
    for node in kafka.nodes:
        node.kill()
        asyncio.run(write(settings, topic, 100))
        node.start()
    assert asyncio.run(read(settings, topic, 500)) == [*range(200), *[*range(100)] * 3]


def test_a_paused_broker_says_nothing_and_goes_on(new_kafka: NewKafka, tmp_path: Path) -> None:
    kafka = new_kafka(tmp_path)
    node = kafka.nodes[0]
    node.pause()
    while read_cluster(node.port) is not None:
        pass  # a busy machine stops the threads of a process one after the other
    node.resume()
    topic = asyncio.run(new_topic(kafka.settings(Settings())))
    asyncio.run(write(kafka.settings(Settings()), topic, 1))


def test_it_does_not_outlive_its_owner(
    new_kafka: NewKafka, tmp_path: Path, await_gone: Callable[..., None]
) -> None:
    kafka = new_kafka(tmp_path)
    guard = int(Path(f"/proc/{kafka.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGKILL)
    await_gone(kafka.pid, guard)


def test_a_folder_keeps_its_number_of_brokers(apache_kafka: None, tmp_path: Path) -> None:
    (tmp_path / "kafka" / "node-1").mkdir(parents=True)
    with pytest.raises(EmbeddedError, match="holds a cluster of 1, not of 3"):
        EmbeddedKafka(tmp_path, brokers=3).start()


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(KafkaUnavailable, match=r"none on the PATH.*apt-get install"):
        find_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=f"none on JAVA_HOME={tmp_path}"):
        find_java()


def test_an_old_java_is_told_from_a_new_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o700)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=r"needs Java 17 or newer.*11\.0\.2"):
        find_java()
    java.write_text("#!/bin/sh\necho 'openjdk version \"21\" 2023-09-19' >&2\n")
    assert find_java() == str(java)


def test_without_maven_or_without_its_repository_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(KafkaUnavailable, match=r"no mvn on the PATH.*apt-get install"):
        cached_jars(tmp_path / "cache")
    maven = programs / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] Could not transfer artifact'\nexit 1\n")
    maven.chmod(0o700)
    with pytest.raises(KafkaUnavailable, match="Could not transfer artifact"):
        cached_jars(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("kafka-*"))
    assert not list((tmp_path / "cache").glob("fetching-*"))


def test_jars_of_an_unpacked_kafka_can_be_used(
    apache_kafka: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(KafkaUnavailable, match="does not hold Apache Kafka"):
        find_kafka(tmp_path)
    (tmp_path / "kafka-server-4.1.1.jar").touch()
    monkeypatch.setattr(kafka_jars, "cached_jars", lambda cache: pytest.fail("Maven was asked"))
    assert find_kafka(tmp_path).class_path == f"{tmp_path}/*"
    assert shutil.which("java")
