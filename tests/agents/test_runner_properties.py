"""The runner under any sequence of failures: nothing is lost, and no watermark is broken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.errors import KafkaConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.base import Found, Progress, SourceUnavailable
from agents.cursor import MemoryCursors
from agents.list_source import ListSource
from agents.manual_time import JumpingTime
from pipeline.topics import RAW
from schemas import RawPost, Watermark
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.running import START, found, post, runner_of


@settings(max_examples=50, deadline=None)
@given(data=st.data(), count=st.integers(0, 1300))
async def test_whatever_fails_and_whenever_it_stops_nothing_is_lost(data: Any, count: int) -> None:
    publisher, cursors, time = MemoryPublisher(3), MemoryCursors(), JumpingTime()
    items: list[Any] = list(found(count))
    for at in data.draw(st.lists(st.integers(0, count), max_size=4)):
        items.insert(at, SourceUnavailable("away"))
    items.append(Progress(watermark=START, final=True))
    stops = data.draw(st.lists(st.integers(0, count), max_size=3))
    for at in sorted(stops):  # a process that is killed: its task is cancelled wherever it stands
        source = ListSource(items)
        source.gates[at] = asyncio.Event()
        running = asyncio.ensure_future(runner_of(source, publisher, cursors, time).run(asyncio.Event()))
        await asyncio.wait(
            (asyncio.ensure_future(source.waiting.wait()), running), return_when="FIRST_COMPLETED"
        )
        running.cancel()
        await asyncio.wait((running,))
    await runner_of(ListSource(items), publisher, cursors, time).run(asyncio.Event())
    assert {record.id for record in publisher.of(RAW) if isinstance(record, RawPost)} == {
        f"test:{number}" for number in range(count)
    }


@settings(max_examples=30, deadline=None)
@given(minutes=st.lists(st.integers(0, 500), min_size=1, max_size=800), outage=st.integers(0, 800))
async def test_no_first_delivery_of_a_post_is_behind_a_watermark_of_its_partition(
    minutes: list[int], outage: int
) -> None:
    publisher, cursors, time = MemoryPublisher(3), MemoryCursors(), JumpingTime()
    items: list[Any] = []
    for index, minute in enumerate(minutes):
        least = START + timedelta(minutes=min(minutes[index:]))
        late = post(index).model_copy(update={"created_at": START + timedelta(minutes=minute)})
        items += [Progress(watermark=least), Found(late, f"one:{index}")]
    items.append(Progress(watermark=START + timedelta(minutes=max(minutes)), final=True))
    source = ListSource(items)
    source.gates[min(outage, len(items) - 1)] = gate = asyncio.Event()
    running = asyncio.ensure_future(runner_of(source, publisher, cursors, time).run(asyncio.Event()))
    await source.waiting.wait()
    publisher.failure = KafkaConnectionError("down")
    gate.set()
    for _ in range(50):
        await asyncio.sleep(0)
    publisher.failure = None
    await running
    promised = [datetime.min.replace(tzinfo=UTC)] * 3
    first: set[str] = set()
    for sent in publisher.sent:
        if isinstance(sent.record, Watermark):
            promised[sent.partition] = max(promised[sent.partition], sent.record.watermark)
        elif isinstance(sent.record, RawPost) and sent.record.id not in first:
            first.add(sent.record.id)
            assert sent.record.created_at >= promised[sent.partition]
    assert len(first) == len(minutes)
