"""Agents as `molva agent` and `molva replay` run them, against the embedded broker."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.base import BadConfiguration, PublishFailed
from agents.checkpoints import Totals
from agents.replay.source import ReplaySource
from agents.service import run_agent, run_source
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS, RAW
from schemas import RawPost, Watermark
from schemas.codec import decode, event_type, header

pytestmark = pytest.mark.integration
PARTITIONS = 3


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
async def own(own_broker: EmbeddedBroker, tmp_path: Path) -> AsyncIterator[Settings]:
    settings = Settings(
        kafka_bootstrap=own_broker.bootstrap,
        kafka_kind="embedded",
        partitions=PARTITIONS,
        data_dir=tmp_path / "data",
        http_port=0,
    )
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics()
    yield settings


async def raw_records(
    settings: Settings, offsets: dict[tuple[str, int], int], timeline: str
) -> list[list[Any]]:
    """The records of a timeline up to the given offsets, by partition."""
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions: list[list[Any]] = []
        for partition in range(PARTITIONS):
            place = TopicPartition(RAW, partition)
            consumer.assign([place])
            consumer.seek(place, 0)
            records: list[Any] = []
            while await consumer.position(place) <= offsets[RAW, partition]:
                message = await consumer.getone()
                model = RawPost if header(message.headers, "ce_type") == event_type(RawPost) else Watermark
                records.append(decode(model, message.value))
            partitions.append([record for record in records if record.timeline == timeline])
        return partitions
    finally:
        await consumer.stop()


def write_rows(path: Path, count: int) -> None:
    rows = (
        {
            "id": str(n),
            "created_at": f"2014-07-{24 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z",
            "text": "т",
        }
        for n in range(count)
    )
    path.write_text("\n".join(map(json.dumps, rows)) + "\nbroken\n")


async def test_a_replay_arrives_whole_with_watermarks_that_hold(own: Settings, tmp_path: Path) -> None:
    path = tmp_path / "whole.jsonl"
    write_rows(path, 4000)
    seen: list[Totals] = []
    source = ReplaySource(path, clock=now)
    totals, offsets = await run_source(source, own, clock=now, stop=asyncio.Event(), on_progress=seen.append)
    assert (totals.posts, totals.rejected, source.rows) == (4000, 1, 4001)
    assert seen[-1] == totals and offsets[DEAD_LETTERS, 0] >= 0
    partitions = await raw_records(own, offsets, "replay:whole.jsonl")
    ids = sorted(
        record.event_id for records in partitions for record in records if isinstance(record, RawPost)
    )
    assert ids == sorted(f"whole:{n}" for n in range(4000))
    for records in partitions:
        assert records[-1].final and records[-1].partitions == PARTITIONS
        promised = datetime.min.replace(tzinfo=UTC)
        for record in records:
            if isinstance(record, Watermark):
                promised = max(promised, record.watermark)
            else:
                assert record.created_at >= promised


async def test_a_stopped_replay_goes_on_and_nothing_is_lost(own: Settings, tmp_path: Path) -> None:
    path = tmp_path / "stopped.jsonl"
    write_rows(path, 4000)
    stop = asyncio.Event()
    first, _ = await run_source(
        ReplaySource(path, clock=now), own, clock=now, stop=stop, on_progress=lambda _: stop.set()
    )
    assert 0 < first.posts < 4000
    second, offsets = await run_source(ReplaySource(path, clock=now), own, clock=now, stop=asyncio.Event())
    assert first.posts + second.posts == 4000
    partitions = await raw_records(own, offsets, "replay:stopped.jsonl")
    assert len({record.event_id for records in partitions for record in records}) >= 4000
    again, _ = await run_source(ReplaySource(path, clock=now), own, clock=now, stop=asyncio.Event())
    assert again.posts == 4000


async def test_the_http_agent_takes_posts_and_states_watermarks(own: Settings) -> None:
    settings = own.model_copy(update={"http_token": type(own.http_token)("for-this-test")})
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.ensure_future(
        run_agent("http", settings, clock=now, stop=stop, metrics=Metrics(), started=address.set_result)
    )
    url = (await address).rpartition(" ")[2]
    body = {"id": "1", "created_at": now().isoformat(), "text": "привет"}
    async with httpx.AsyncClient(headers={"Authorization": "Bearer for-this-test"}) as client:
        answer = await client.post(url, json=body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    stop.set()
    await running
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets([RAW])
    offsets = {(place.topic, place.partition): end - 1 for place, end in ends.items()}
    partitions = await raw_records(settings, offsets, "live")
    assert [
        record.agent for records in partitions for record in records if isinstance(record, Watermark)
    ] == ["http"] * PARTITIONS
    assert [r.id for records in partitions for r in records if isinstance(r, RawPost)] == ["http:1"]


async def test_the_http_agent_knows_the_callers_of_its_file(own: Settings, tmp_path: Path) -> None:
    callers = tmp_path / "callers.yaml"
    digest = hashlib.sha256(b"token-of-the-crm").hexdigest()
    callers.write_text(f"callers: [{{name: crm, token_sha256: {digest}, sources: crm}}]")
    settings = own.model_copy(update={"http_callers": callers})
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.ensure_future(
        run_agent("http", settings, clock=now, stop=stop, started=address.set_result)
    )
    url = (await address).rpartition(" ")[2]
    body = {"id": "1", "created_at": now().isoformat(), "text": "привет"}
    async with httpx.AsyncClient() as client:
        for token, status in (("token-of-the-crm", 202), ("another", 401)):
            answer = await client.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status
    stop.set()
    await running


async def test_the_http_agent_is_ready_once_it_listens_and_a_taken_port_is_told(own: Settings) -> None:
    settings = own.model_copy(update={"http_token": type(own.http_token)("for-this-test")})
    stop, address, metrics = asyncio.Event(), asyncio.get_running_loop().create_future(), Metrics()
    running = asyncio.ensure_future(
        run_agent("http", settings, clock=now, stop=stop, metrics=metrics, started=address.set_result)
    )
    port = httpx.URL((await address).rpartition(" ")[2]).port
    assert metrics.registry.get_sample_value("molva_worker_ready", {"stage": "agent:http"}) == 1
    another = Metrics()
    taken = settings.model_copy(update={"http_port": port})
    with pytest.raises(BadConfiguration, match="another MOLVA_HTTP_PORT"):
        await run_agent("http", taken, clock=now, stop=stop, metrics=another)
    assert another.registry.get_sample_value("molva_worker_ready", {"stage": "agent:http"}) == 0
    stop.set()
    await running


async def test_wrong_settings_are_told_before_anything_starts(own: Settings) -> None:
    for name, message in (
        ("http", "MOLVA_HTTP_TOKEN"),
        ("rss", "MOLVA_RSS_FEEDS"),
        ("vk", "there are http, rss"),
    ):
        with pytest.raises(BadConfiguration, match=message):
            await run_agent(name, own, clock=now, stop=asyncio.Event())


async def test_a_replay_without_a_broker_is_an_error(
    own: Settings, tmp_path: Path, unused_tcp_port: int
) -> None:
    (tmp_path / "f.jsonl").touch()
    nowhere = own.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{unused_tcp_port}"})
    with pytest.raises(PublishFailed, match="no Kafka broker"):
        await run_source(
            ReplaySource(tmp_path / "f.jsonl", clock=now), nowhere, clock=now, stop=asyncio.Event()
        )


async def test_a_live_agent_waits_for_its_broker_until_it_is_stopped(
    own: Settings, unused_tcp_port: int
) -> None:
    nowhere = own.model_copy(update={"kafka_bootstrap": f"127.0.0.1:{unused_tcp_port}"})
    stop, metrics = asyncio.Event(), Metrics()

    async def sleep(_: float) -> None:
        stop.set()
        await asyncio.Event().wait()

    await run_agent("http", nowhere, clock=now, stop=stop, sleep=sleep, metrics=metrics, without_token=True)
    labels = {"agent": "http", "error": "PublishFailed"}
    assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 1
