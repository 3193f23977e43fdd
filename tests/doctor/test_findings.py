"""Findings of literal inputs: what no server of the tests can be brought to say."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline import checks
from pipeline.checks import broker_memory, workers
from pipeline.condition import CLICKHOUSE, Condition
from pipeline.doctor.clickhouse import disk
from pipeline.doctor.kafka import replication
from pipeline.doctor.machine import MIN_FREE_ALONE_BYTES, MIN_FREE_BYTES, needed_bytes, python
from pipeline.embedded.lock import DirectoryLock
from pipeline.embedded.stack_info import FILE_NAME, StackInfo
from pipeline.endpoint import serving
from pipeline.health import write_workers
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.topics import MENTIONS, RAW
from tests.doctor.findings import wrong

GIB = 1024**3
STACK = StackInfo(
    owner_pid=os.getpid(),
    started_at=datetime(2026, 8, 5, 10, 0, tzinfo=UTC),
    nonce="n",
    bootstrap="127.0.0.1:19092",
    cluster_id="c",
    broker_pid=os.getpid(),
    clickhouse_pid=os.getpid(),
    clickhouse_host="127.0.0.1",
    clickhouse_port=1,
    clickhouse_http_port=2,
    clickhouse_user="u",
    clickhouse_password=SecretStr("p"),
)


def partition(number: int, leader: int, isr: list[int]) -> dict[str, Any]:
    """As Kafka's metadata has it; three copies are wanted."""
    return {"partition": number, "leader": leader, "replicas": [1, 2, 3], "isr": isr}


@pytest.fixture
def running(tmp_path: Path) -> Settings:
    """Of a stack on the data dir whose every process is this one; it lasts as long as the lock is held."""
    (tmp_path / FILE_NAME).write_text(STACK.model_dump_json(), encoding="utf-8")
    return STACK.settings(Settings(data_dir=tmp_path))


@pytest.mark.parametrize(
    ("version", "well"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_a_python_that_is_too_old_or_too_new(version: tuple[int, int], well: bool) -> None:
    part = python(*version)
    assert (part.ready, part.cure) == (well, "use Python 3.11 to 3.13")
    assert part.detail == f"3.{version[1]}"


@pytest.mark.parametrize(
    ("bootstrap", "clickhouse", "needed"),
    [
        ("127.0.0.1:9092", "127.0.0.1", MIN_FREE_BYTES),
        ("kafka-1:9093,kafka-2:9093", "clickhouse", MIN_FREE_ALONE_BYTES),
        ("kafka-1:9093, localhost:9093", "clickhouse", MIN_FREE_BYTES),
        ("kafka-1:9093", "::1", MIN_FREE_BYTES),
    ],
)
def test_a_data_dir_without_servers_needs_little(bootstrap: str, clickhouse: str, needed: int) -> None:
    assert needed_bytes(Settings(kafka_bootstrap=bootstrap, clickhouse_host=clickhouse)) == needed


def test_partitions_without_leader_and_with_too_few_copies() -> None:
    described = {
        RAW: [partition(0, 1, [1, 2, 3]), partition(1, 2, [2, 3])],
        MENTIONS: [partition(0, -1, []), partition(1, 1, [1, 3, 2])],
        "of.others": [partition(0, -1, [])],
    }
    orphans, thin = replication(described)
    assert orphans.detail == "without leader: molva.mentions:0"
    assert thin.detail == "copies are missing: molva.posts.raw:1"
    assert not orphans.ready and not thin.ready
    assert "start the brokers" in orphans.cure and "start the brokers" in thin.cure
    assert replication({RAW: [partition(0, 1, [3, 1, 2])]}) == []


@pytest.mark.parametrize(
    ("free", "read_only", "well", "detail"),
    [
        (50 * GIB, False, True, "default: 50.0 of 100.0 GiB free"),
        (10 * GIB, False, False, "default: 10.0 of 100.0 GiB free"),
        (50 * GIB, True, False, "default is read-only"),
    ],
)
def test_a_disk_of_clickhouse_that_is_low_or_read_only(
    free: int, read_only: bool, well: bool, detail: str
) -> None:
    part = disk("default", free, 100 * GIB, read_only)
    assert (part.ready, part.detail) == (well, detail)
    assert ("mount it" if read_only else "free space") in part.cure


def test_a_broker_whose_memory_is_nearly_full(running: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_memory(running) == []
    with DirectoryLock(running.data_dir):
        assert wrong(broker_memory(running)) == {}
        monkeypatch.setattr(checks, "MEMORY_LIMIT", 1024**2)
        found = wrong(broker_memory(running))["broker memory"]
        assert "of 1 MiB" in found.detail
        assert "molva up" in found.cure
        assert broker_memory(running.model_copy(update={"kafka_bootstrap": "kafka:9092"})) == []


def test_workers_that_are_not_ready_that_do_not_answer_and_none_yet(running: Settings) -> None:
    with DirectoryLock(running.data_dir):
        assert "none is running yet" in wrong(workers(running))["workers"].detail
    condition = Condition()
    condition.unwell(CLICKHOUSE, "no answer for 15 s")
    with serving(Metrics(), condition, "127.0.0.1", 0) as port:
        write_workers(running.data_dir, {"storage-1": port, "detection-1": 1}, {"storage-1": 17})
        found = wrong(workers(running))
    assert set(found) == {"storage-1", "detection-1"}
    assert "clickhouse no answer for 15 s" in found["storage-1"].detail
    assert found["detection-1"].detail.endswith("does not answer")
    assert found["storage-1"].cure == f"see {running.data_dir / 'logs' / 'storage-1.log'}"


def test_workers_of_no_molva_up_are_not_looked_for(tmp_path: Path) -> None:
    assert workers(Settings(data_dir=tmp_path)) == []
