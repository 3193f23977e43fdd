"""Faust's messages as our records, and when a batch is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.batches import Incoming, incoming
from pipeline.topics import RAW
from tests.stages.streams import Reading, message


@pytest.fixture
async def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def offsets(records: Sequence[Incoming]) -> list[int]:
    return [record.offset for record in records]


def test_a_message_is_a_record() -> None:
    record = incoming(message(7))
    assert (str(record.origin), record.value, record.headers) == (f"{RAW}:1:7", b"v", [("ce_type", b"x")])
    assert record.timestamp == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert incoming(message(headers={"ce_type": b"x"})).headers == [("ce_type", b"x")]


@pytest.mark.parametrize("timestamp", [None, -1.0, 4e12, 1e15])
def test_a_timestamp_that_is_no_time_ends_no_worker(timestamp: float | None) -> None:
    assert 1970 <= incoming(message(timestamp=timestamp)).timestamp.year <= 9999


def test_a_header_without_a_value_is_passed_over() -> None:
    assert incoming(message(headers=[("ce_type", None), ("other", b"1")])).headers == [("other", b"1")]


async def test_an_event_holds_what_was_read(reading: Reading) -> None:
    read = message(3, key=None, headers=[("ce_type", b"x")])
    event = await reading.stream.channel.decode(read, propagate=True)
    assert (event.key, event.value, event.message) == (None, b"v", read)
    nothing = await reading.stream.channel.decode(message(4, key=b"k", value=None))
    assert (nothing.key, nothing.value) == (b"k", None)


async def test_a_batch_is_acknowledged_when_the_next_one_is_asked_for(reading: Reading) -> None:
    reading.deliver(*range(5))
    taken = reading.batches(2)
    assert offsets(await anext(taken)) == [0, 1]
    assert reading.acknowledged == []
    assert offsets(await anext(taken)) == [2, 3]
    assert reading.acknowledged == [0, 1]
    await taken.aclose()
    assert reading.acknowledged == [0, 1]


async def test_a_body_that_raises_acknowledges_nothing(reading: Reading) -> None:
    reading.deliver(0, 1)
    with pytest.raises(ZeroDivisionError):
        async for _ in reading.batches(2):
            raise ZeroDivisionError
    assert reading.acknowledged == []


async def test_a_batch_waits_for_more_and_not_for_ever(reading: Reading) -> None:
    reading.deliver(0)
    taken = reading.batches(3, timedelta(hours=1))
    waiting = asyncio.ensure_future(anext(taken))
    await turns()
    assert not waiting.done()
    reading.deliver(1)
    await turns()
    assert not waiting.done()
    reading.deliver(2, 3)
    assert offsets(await waiting) == [0, 1, 2]
    impatient = reading.batches(3)
    assert offsets(await anext(impatient)) == [3]


async def test_nothing_is_lost_when_the_waiting_is_cancelled(reading: Reading) -> None:
    waiting = asyncio.ensure_future(anext(reading.batches(3, timedelta(hours=1))))
    await turns()
    waiting.cancel()
    reading.deliver(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert offsets(await anext(reading.batches(3))) == [0]


async def test_records_of_an_ended_assignment_are_left_to_their_next_owner(reading: Reading) -> None:
    reading.deliver(0, 1)
    reading.app.consumer_generation_id += 1
    reading.deliver(1, 2)
    taken = reading.batches(10)
    assert offsets(await anext(taken)) == [1, 2]
    reading.deliver(3)
    reading.app.flow_control.suspend()  # a rebalance runs
    waiting = asyncio.ensure_future(anext(taken))
    await turns()
    assert not waiting.done()
    assert reading.acknowledged == [1, 2]
    waiting.cancel()


async def test_what_faust_throws_into_the_stream_ends_the_stage(reading: Reading) -> None:
    await reading.stream.channel.throw(RuntimeError("cannot be decoded"))
    with pytest.raises(RuntimeError, match="cannot be decoded"):
        await anext(reading.batches(2))


async def turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)
