"""The runner: nothing is lost, the cursor never runs ahead, watermarks follow their posts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from agents.base import BrokenInput, Found, Progress, Rejected, SourceUnavailable
from agents.checkpoints import Totals
from agents.cursor import MemoryCursors
from agents.list_source import ListSource
from agents.manual_time import NOON, JumpingTime, ManualTime
from agents.publisher import MAX_VALUE_BYTES
from agents.runner import STOP_SECONDS, Runner
from agents.source_health import SourceHealth
from pipeline.kafka_batches import Delivery
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, RAW
from schemas import Author, DeadLetter, RawPost, Watermark
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import START, found, post, runner_of


async def test_all_posts_are_published_and_the_cursor_is_forgotten_at_the_end(
    publisher: MemoryPublisher, cursors: MemoryCursors, metrics: Metrics
) -> None:
    seen: list[Totals] = []
    source = ListSource(
        [*found(1200), Rejected(b"{", "one:x", "not_json", "no"), Progress(watermark=START, final=True)]
    )
    runner = runner_of(source, publisher, cursors, JumpingTime(), metrics=metrics, on_progress=seen.append)
    totals = await runner.run(asyncio.Event())
    assert [r.id for r in publisher.of(RAW) if isinstance(r, RawPost)] == [f"test:{n}" for n in range(1200)]
    assert totals == seen[-1] == Totals(1200, 1, START)
    assert cursors.load("list:one") is None and cursors.history[-1] == "1202"
    (letter,) = publisher.of(DEAD_LETTERS)
    assert isinstance(letter, DeadLetter) and letter.id == f"agent:list/one:x#{letter.payload_sha256[:8]}"
    sample = metrics.registry.get_sample_value
    assert sample("molva_agent_posts_total", {"agent": "list"}) == 1200
    assert sample("molva_dead_letters_total", {"stage": "agent:list", "reason": "not_json"}) == 1
    assert sample("molva_agent_last_post_timestamp_seconds", {"agent": "list"}) is not None


class Saving(MemoryCursors):
    """Tells when something was saved."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    async def save(self, agent: str, cursor: str) -> None:
        await super().save(agent, cursor)
        self.done.set()


async def test_a_live_source_is_seen_posting_while_kafka_is_away(
    cursors: MemoryCursors, metrics: Metrics, time: ManualTime
) -> None:
    publisher = MemoryPublisher()
    publisher.failure = KafkaConnectionError("down")
    stop, rhythms = asyncio.Event(), Saving()
    health = SourceHealth("list", metrics, rhythms, clock=time.clock)
    source = ListSource(found(3), grace=timedelta(minutes=5))
    runner = runner_of(
        source, publisher, cursors, JumpingTime(), health=health, on_progress=lambda _: stop.set()
    )
    running = asyncio.ensure_future(runner.run(stop))
    await asyncio.to_thread(rhythms.done.wait)
    labels = {"agent": "list", "source": "test"}
    seen = metrics.registry.get_sample_value("molva_source_last_post_timestamp_seconds", labels)
    assert seen == NOON.timestamp() and cursors.history == []
    publisher.failure = None
    await running


async def test_the_final_watermark_is_the_last_record_of_every_partition(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    await runner_of(
        ListSource([*found(9), Progress(watermark=START, final=True)]), publisher, cursors, JumpingTime()
    ).run(asyncio.Event())
    for partition in range(2):
        records = [sent.record for sent in publisher.sent if (sent.topic, sent.partition) == (RAW, partition)]
        assert records[-1] == Watermark(
            timeline="replay:one", agent="list:one", watermark=START, final=True, partitions=2
        )
        assert all(isinstance(record, RawPost) for record in records[:-1])


async def test_the_cursor_waits_for_kafka(
    publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    publisher.confirming.clear()
    source = ListSource(found(600))
    source.gates[599] = asyncio.Event()
    running = asyncio.ensure_future(runner_of(source, publisher, cursors, time).run(asyncio.Event()))
    await source.waiting.wait()
    assert len(publisher.sent) == 599 and cursors.history == []
    publisher.confirming.set()
    source.gates[599].set()
    await running
    assert cursors.history == ["500", "600"]


class Asked(MemoryPublisher):
    """Remembers what had been sent when it was first asked to confirm."""

    sent_before: list[Any] | None = None

    async def confirm(self, deliveries: Iterable[Delivery]) -> None:
        if self.sent_before is None:
            self.sent_before = list(self.sent)
        await super().confirm(deliveries)


async def test_a_watermark_is_sent_when_the_posts_before_it_are_confirmed(cursors: MemoryCursors) -> None:
    publisher = Asked()
    source = ListSource([*found(3), Progress(watermark=START, final=True)])
    await runner_of(source, publisher, cursors, JumpingTime()).run(asyncio.Event())
    assert publisher.sent_before is not None
    assert [sent.record.event_id for sent in publisher.sent_before] == ["test:0", "test:1", "test:2"]
    assert sum(isinstance(record, Watermark) for record in publisher.of(RAW)) == 2


async def test_a_record_that_the_broker_would_refuse_is_a_dead_letter(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    big = post(1, author=Author(id="a", bio="x" * (MAX_VALUE_BYTES + 1)))
    await runner_of(ListSource([Found(big, "one:1"), *found(1)]), publisher, cursors, JumpingTime()).run(
        asyncio.Event()
    )
    (letter,) = publisher.of(DEAD_LETTERS)
    assert isinstance(letter, DeadLetter)
    assert (letter.reason, letter.origin) == ("too_large", "one:1") and letter.payload_size > MAX_VALUE_BYTES
    assert len(publisher.of(RAW)) == 1


async def test_a_failing_source_is_tried_again_from_the_cursor_after_a_growing_pause(
    publisher: MemoryPublisher, cursors: MemoryCursors, metrics: Metrics
) -> None:
    time = JumpingTime()
    items: list[Any] = [*found(2), SourceUnavailable("away"), SourceUnavailable("still"), *found(3)[2:]]
    source = ListSource(items)
    source_pauses = [0.5, 0.5]
    await runner_of(source, publisher, cursors, time, metrics=metrics).run(asyncio.Event())
    assert source.starts == [None, "2", "3"]
    assert [pause for pause in time.pauses if pause != 0.25] == source_pauses
    assert len(publisher.of(RAW)) == 3
    labels = {"agent": "list", "error": "SourceUnavailable"}
    assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 2


async def test_the_pause_doubles_while_nothing_gets_through(cursors: MemoryCursors) -> None:
    publisher = MemoryPublisher()
    publisher.failure = KafkaConnectionError("down")
    time, stop = JumpingTime(), asyncio.Event()
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds != 0.25:
            pauses.append(seconds)
            if len(pauses) == 8:
                stop.set()
        await time.sleep(seconds)

    source = ListSource(found(3))
    runner = Runner(source, publisher, cursors, Metrics(), clock=time.clock, sleep=sleep, jitter=lambda: 1.0)
    await runner.run(stop)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert set(source.starts) == {None} and cursors.history == []


async def test_broken_input_ends_the_run_after_what_came_before_is_confirmed(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    source = ListSource([*found(7), BrokenInput("cut off")])
    with pytest.raises(BrokenInput, match="cut off"):
        await runner_of(source, publisher, cursors, JumpingTime()).run(asyncio.Event())
    assert len(publisher.of(RAW)) == 7 and cursors.load("list:one") == "7"


async def test_stopping_confirms_what_was_published(
    publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    source, stop = ListSource(found(10)), asyncio.Event()
    source.gates[5] = asyncio.Event()
    running = asyncio.ensure_future(runner_of(source, publisher, cursors, time).run(stop))
    await source.waiting.wait()
    stop.set()
    totals = await running
    assert totals.posts == 5 and cursors.load("list:one") == "5"


async def test_a_stop_does_not_wait_for_ever_for_a_kafka_that_is_away(
    publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    async def sleep(seconds: float) -> None:
        if seconds != STOP_SECONDS:
            await time.sleep(seconds)

    publisher.confirming.clear()
    source, stop = ListSource(found(10)), asyncio.Event()
    source.gates[5] = asyncio.Event()
    running = asyncio.ensure_future(
        Runner(source, publisher, cursors, Metrics(), clock=time.clock, sleep=sleep).run(stop)
    )
    await source.waiting.wait()
    stop.set()
    assert (await running).posts == 0 and cursors.history == []


async def test_a_live_source_states_watermarks_by_the_clock_also_while_idle(
    publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime
) -> None:
    source, stop = ListSource([*found(1), Progress(), *found(1)], grace=timedelta(minutes=5)), asyncio.Event()
    source.gates = {1: asyncio.Event(), 2: asyncio.Event()}
    confirmed = asyncio.Event()
    runner = runner_of(source, publisher, cursors, time, on_progress=lambda _: confirmed.set())
    running = asyncio.ensure_future(runner.run(stop))

    async def tick(**span: float) -> None:
        confirmed.clear()
        time.move(**span)
        await confirmed.wait()

    def stated() -> list[datetime]:
        return [record.watermark for record in publisher.of(RAW) if isinstance(record, Watermark)]

    await source.waiting.wait()
    await tick(seconds=1)
    assert stated() == []  # it has not caught up
    source.waiting.clear()
    source.gates[1].set()
    await source.waiting.wait()
    await tick(seconds=1)
    assert stated() == [NOON - timedelta(minutes=5)] * 2
    await tick(minutes=5)
    assert stated() == [NOON - timedelta(minutes=5)] * 2 + [NOON] * 2
    stop.set()
    await running
    assert not any(record.final for record in publisher.of(RAW) if isinstance(record, Watermark))
