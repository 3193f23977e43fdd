"""The runner: cursors are written every few seconds, never behind a watermark; mistakes of sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agents.base import Collected, Found, Progress, SourceUnavailable
from agents.checkpoints import SAVE_SECONDS, SAVED_PER_SECOND, Totals
from agents.cursor import MemoryCursors
from agents.list_source import ListSource
from agents.manual_time import JumpingTime
from agents.runner import Runner
from pipeline.kafka_batches import Delivery
from pipeline.metrics import Metrics
from pipeline.topics import RAW
from schemas import RawPost, Record, Watermark
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import START, found, post, runner_of

POSTS = 400


class Steady:
    """A post every quarter of a second; its cursor is the number of posts, padded to a size."""

    name = timeline = "list:one"
    grace = None

    def __init__(self, time: JumpingTime, size: int = 0, *, promises: bool = False) -> None:
        self._time = time
        self._size = size
        self._promises = promises

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        for number in range(int(cursor or 0), POSTS):
            moment = START + timedelta(minutes=number)
            if self._promises:
                yield Progress(watermark=moment)
            yield Found(post(number), "one", str(number + 1).rjust(self._size))
            await self._time.sleep(0.25)


async def steadily(source: Steady, publisher: MemoryPublisher, cursors: MemoryCursors) -> float:
    """Run it; the seconds that it took."""
    time = source._time
    began = time.clock()
    runner = Runner(source, publisher, cursors, Metrics(), clock=time.clock, sleep=time.sleep, forget=False)
    await runner.run(asyncio.Event())
    return (time.clock() - began).total_seconds()


@pytest.mark.parametrize("size", [0, 400_000])
async def test_a_cursor_is_written_every_few_seconds_a_large_one_less_often_and_at_the_end(size: int) -> None:
    publisher, cursors = MemoryPublisher(), MemoryCursors()
    took = await steadily(Steady(JumpingTime(), size), publisher, cursors)
    pause = max(SAVE_SECONDS, size / SAVED_PER_SECOND)
    assert 2 <= len(cursors.history) <= took / pause + 2
    assert int(cursors.history[-1]) == POSTS == len(publisher.of(RAW))


class Comparing(MemoryPublisher):
    """Remembers which cursor stood when a watermark was published, and how many posts were there."""

    def __init__(self, cursors: MemoryCursors) -> None:
        super().__init__()
        self._cursors = cursors
        self.stood: list[tuple[Watermark, int]] = []

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        if isinstance(record, Watermark):
            self.stood.append((record, int(self._cursors.load("list:one") or 0)))
        return await super().publish(record)


async def test_no_post_can_be_repeated_behind_a_watermark() -> None:
    cursors = MemoryCursors()
    publisher = Comparing(cursors)
    await steadily(Steady(JumpingTime(), promises=True), publisher, cursors)
    assert len(publisher.stood) > POSTS / 10
    for watermark, done in publisher.stood:
        assert START + timedelta(minutes=done) >= watermark.watermark, "a crash repeats posts from `done` on"


async def test_the_end_of_a_live_source_is_a_failure_and_its_cursor_stays(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    told: list[str] = []
    stop, time = asyncio.Event(), JumpingTime()

    def tell(error: Exception) -> None:
        told.append(str(error))
        if len(told) == 3:
            stop.set()

    source = ListSource(found(3), grace=timedelta(minutes=5))
    await runner_of(source, publisher, cursors, time, on_failure=tell).run(stop)
    assert told == ["it has ended, which a live source does not"] * 3
    assert cursors.load("list:one") == "3" and source.starts == [None, "3", "3"]
    assert len([pause for pause in time.pauses if pause >= 0.5]) >= 2, "not at once"


class Cancelling(ListSource):
    """Something in it is cancelled, as by a library that ends its own tasks."""

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        async for item in super().posts(cursor):
            yield item
        raise asyncio.CancelledError


async def test_a_source_that_cancels_itself_has_failed(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    told: list[str] = []
    stop, time = asyncio.Event(), JumpingTime()

    def tell(error: Exception) -> None:
        told.append(str(error))
        stop.set()

    await runner_of(Cancelling(found(3)), publisher, cursors, time, on_failure=tell).run(stop)
    assert told == ["something in it was cancelled, by nobody outside"] and cursors.load("list:one") == "3"


class Withdrawn(MemoryPublisher):
    """Its deliveries are cancelled, as a producer's that is closed beneath it."""

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        if not isinstance(record, RawPost) or self.sent:
            return await super().publish(record)
        (delivery,) = await super().publish(record)
        lost: Delivery = asyncio.get_running_loop().create_future()
        lost.cancel()
        return (lost,) if delivery.done() else (delivery,)


async def test_a_delivery_that_was_cancelled_is_published_again(cursors: MemoryCursors) -> None:
    publisher = Withdrawn()
    await runner_of(ListSource(found(3)), publisher, cursors, JumpingTime(), forget=False).run(
        asyncio.Event()
    )
    assert {record.event_id for record in publisher.of(RAW)} == {"test:0", "test:1", "test:2"}
    assert publisher.of(RAW)[0] == publisher.of(RAW)[3] and cursors.load("list:one") == "3"


async def test_after_a_failure_it_waits_until_it_may_go_on(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    async def ready() -> None:
        asked.set()
        await gate.wait()

    source = ListSource([*found(1), SourceUnavailable("away"), *found(2)[1:]])
    runner = runner_of(source, publisher, cursors, JumpingTime(), ready=ready)
    running = asyncio.ensure_future(runner.run(asyncio.Event()))
    await asked.wait()
    assert source.starts == [None]
    gate.set()
    await running
    assert source.starts == [None, "1"] and len(publisher.of(RAW)) == 2


async def test_a_source_tells_why_it_finds_nothing_until_it_does_again(
    publisher: MemoryPublisher, cursors: MemoryCursors
) -> None:
    told: list[str] = []
    heard = asyncio.Event()

    def tell(totals: Totals) -> None:
        told.append(totals.trouble)
        if totals.trouble:
            heard.set()

    source = ListSource(
        [Progress(trouble="none answers"), Progress(trouble="none answers"), *found(1), Progress()]
    )
    source.gates[2] = asyncio.Event()
    running = asyncio.ensure_future(
        runner_of(source, publisher, cursors, JumpingTime(), on_progress=tell).run(asyncio.Event())
    )
    await heard.wait()
    source.gates[2].set()
    await running
    assert told[0] == "none answers" and told[-1] == "" and cursors.history[-1] == "4"
