"""Back-pressure: agents wait while a stage is too far behind, and the HTTP ingest refuses before it loses."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from agents.backlog import Backlog, following_kafka, furthest_behind
from agents.base import Progress
from agents.checkpoints import Totals
from agents.cursor import MemoryCursors
from agents.http.admission import IngestLimits
from agents.list_source import ListSource
from agents.manual_time import ManualTime
from pipeline.embedded.broker import EmbeddedBroker
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.topics import RAW
from schemas import RawPost, Watermark
from tests.agents.http.serving import encoded, row, served
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import found, runner_of
from tests.sink.worlds import until


@pytest.fixture
def backlog(metrics: Metrics) -> Backlog:
    return Backlog(1000, metrics, "test")


def held(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("molva_agent_held_back", {"agent": "test"})


async def test_it_fills_above_the_limit_and_has_room_again_well_below(
    backlog: Backlog, metrics: Metrics
) -> None:
    full = []
    for waiting in (0, 1000, 1001, 900, 801, 800, 1000):
        backlog.tell(waiting)
        full.append(backlog.full)
    assert full == [False, False, True, True, True, False, False]
    assert held(metrics) == 0
    backlog.tell(1001)
    assert held(metrics) == 1


async def test_a_half_is_full_sooner_and_tells_no_gauge(backlog: Backlog, metrics: Metrics) -> None:
    half = backlog.half("back-fill")
    full = []
    for waiting in (500, 501, 1001, 801, 400):
        backlog.tell(waiting)
        full.append((half.full, backlog.full))
    assert full == [(False, False), (True, False), (True, True), (True, True), (False, False)]
    assert metrics.registry.get_sample_value("molva_agent_held_back", {"agent": "back-fill"}) is None


async def test_without_a_limit_there_is_always_room(metrics: Metrics) -> None:
    backlog = Backlog(0, metrics, "test")
    backlog.tell(10**12)
    assert not backlog.full
    await backlog.room()


async def test_where_kafka_does_not_tell_nothing_changes(
    backlog: Backlog, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[int | Exception] = [2000, KafkaConnectionError("gone"), KafkaConnectionError("gone"), 10]
    full: list[bool] = []
    over = asyncio.Event()

    async def look() -> int:
        if not answers:
            await asyncio.Event().wait()
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(_: float) -> None:
        full.append(backlog.full)
        if not answers:
            over.set()

    async with backlog.following(look, sleep):
        await over.wait()
    assert full == [True, True, True, False]
    assert sum("does not tell" in record.message for record in caplog.records) == 1


async def test_nobody_waits_once_nobody_looks(backlog: Backlog, caplog: pytest.LogCaptureFixture) -> None:
    answers: list[int | Exception] = [2000, RuntimeError("a bug")]

    async def look() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(_: float) -> None:
        assert backlog.full

    async with backlog.following(look, sleep):
        await until(lambda: not answers)
        await backlog.room()
    assert "no longer looked at" in caplog.text


async def test_a_runner_publishes_nothing_while_it_is_full_and_all_of_it_afterwards(
    backlog: Backlog, publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    source = ListSource([*found(3), Progress(), *found(2)], grace=timedelta(minutes=5))
    source.gates[4] = asyncio.Event()
    stop, confirmed = asyncio.Event(), asyncio.Event()

    def tell(totals: Totals) -> None:
        confirmed.set()
        if totals.posts == 5:  # a live source does not end by itself
            stop.set()

    runner = runner_of(source, publisher, cursors, time, backlog=backlog, on_progress=tell)
    running = asyncio.ensure_future(runner.run(stop))
    await source.waiting.wait()
    confirmed.clear()
    time.move(seconds=1)
    await confirmed.wait()
    before = len(publisher.of(RAW))
    backlog.tell(5000)
    source.gates[4].set()
    for _ in range(50):
        time.move(minutes=1)
        await asyncio.sleep(0)
    assert len(publisher.of(RAW)) == before, "neither posts nor watermarks that they would come after"
    backlog.tell(0)
    totals = await running
    assert totals.posts == 5
    last_post = max(n for n, record in enumerate(publisher.of(RAW)) if isinstance(record, RawPost))
    assert not any(isinstance(record, Watermark) for record in publisher.of(RAW)[before:last_post])


async def test_a_runner_that_waits_for_room_can_be_stopped(
    backlog: Backlog, publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    backlog.tell(5000)
    stop = asyncio.Event()
    running = asyncio.ensure_future(
        runner_of(ListSource(found(3)), publisher, cursors, time, backlog=backlog).run(stop)
    )
    await asyncio.sleep(0)
    stop.set()
    assert (await running).posts == 0


async def test_the_backlog_is_that_of_the_stage_which_is_furthest_behind(
    tmp_path: Path, metrics: Metrics
) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        settings = Settings(
            kafka_bootstrap=broker.bootstrap, kafka_kind="embedded", partitions=2, max_backlog=10
        )
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics()
            assert await furthest_behind(admin) == 0
            async with AIOKafkaProducer(**client_options(settings)) as producer:
                for number in range(11):
                    await producer.send_and_wait(RAW, b"{}", partition=number % 2)
            assert await furthest_behind(admin) == 11
        async with following_kafka(settings, metrics, "test", sleep=_never) as backlog:
            await until(lambda: backlog.full)
            assert held(metrics) == 1
        assert held(metrics) == 0


async def _never(_: float) -> None:
    await asyncio.Event().wait()


NDJSON = "application/x-ndjson"


async def test_the_ingest_refuses_while_the_pipeline_is_behind(
    backlog: Backlog, publisher: MemoryPublisher
) -> None:
    async with served(publisher, backlog=backlog) as client:
        backlog.tell(5000)
        status, answer = await client.post(encoded(row(1)), Content_Type=NDJSON)
        assert (status, answer["error"], client.headers["Retry-After"]) == (503, "behind", "30")
        assert publisher.sent == []
        backlog.tell(0)
        status, _ = await client.post(encoded(row(1)), Content_Type=NDJSON)
        assert status == 202


async def test_more_requests_than_it_can_hold_are_asked_to_come_again(publisher: MemoryPublisher) -> None:
    publisher.confirming.clear()
    limits = IngestLimits(requests=2)
    async with served(publisher, limits=limits) as client:

        async def send(number: int) -> int:
            status, _ = await client.post(encoded(row(number)), Content_Type=NDJSON)
            return status

        first = [asyncio.ensure_future(send(number)) for number in range(2)]
        await until(lambda: len(publisher.sent) == 2)
        status, answer = await client.post(encoded(row(3)), Content_Type=NDJSON)
        assert (status, answer["error"], client.headers["Retry-After"]) == (429, "busy", "1")
        publisher.confirming.set()
        assert await asyncio.gather(*first) == [202, 202]
        assert await send(3) == 202
    assert len(publisher.sent) == 3


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_the_bytes_of_all_requests_together_are_bounded(
    coding: str, publisher: MemoryPublisher
) -> None:
    publisher.confirming.clear()
    body = encoded(*(row(number, text="х" * 1000) for number in range(10)))
    sent = gzip.compress(body) if coding == "gzip" else body
    limits = IngestLimits(bytes_in_flight=len(body) + 100)
    headers = {"Content_Type": NDJSON, "Content_Encoding": coding}
    async with served(publisher, limits=limits) as client:
        first = asyncio.ensure_future(client.post(sent, **headers))
        await until(lambda: len(publisher.sent) == 10)
        status, answer = await client.post(sent, **headers)
        assert (status, answer["error"], client.headers["Retry-After"]) == (429, "busy", "1")
        publisher.confirming.set()
        assert (await first)[0] == 202
        assert (await client.post(sent, **headers))[0] == 202, "what was held is given back"
