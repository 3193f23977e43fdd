"""How records are cut into batches; time is a variable of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipeline import topics
from pipeline.sink.batch import StoredRecord
from pipeline.sink.buffer import Buffer, Limits
from tests.sink.samples import Stored


def records(first: int, last: int, size: int = 10) -> list[Stored]:
    return [Stored(topics.SPIKES, 0, offset, 0, b"x" * size, ()) for offset in range(first, last + 1)]


def offsets(batch: Sequence[StoredRecord]) -> tuple[int, int]:
    return batch[0].offset, batch[-1].offset


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def make(clock: Clock | None = None, rows: int = 5, size: int = 10**6, linger: float = 3600.0) -> Buffer:
    return Buffer(Limits(rows, size, linger), clock or Clock())


async def test_cut_at_rows() -> None:
    buffer = make()
    buffer.add(records(0, 11))
    assert offsets(await buffer.take()) == (0, 4)
    assert offsets(await buffer.take()) == (5, 9)
    buffer.close()
    assert offsets(await buffer.take()) == (10, 11)
    assert await buffer.take() == []


async def test_cut_at_bytes_but_never_empty() -> None:
    buffer = make(size=1500)
    buffer.add(records(0, 3, size=1000))
    assert offsets(await buffer.take()) == (0, 1)
    buffer.add(records(4, 4, size=10_000))
    assert offsets(await buffer.take()) == (2, 3)
    assert offsets(await buffer.take()) == (4, 4)


async def test_cut_at_age() -> None:
    clock = Clock()
    buffer = make(clock, linger=2.0)
    buffer.add(records(0, 1))
    waiting = asyncio.create_task(buffer.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.seconds = 2.5
    buffer.add(records(2, 2))
    assert offsets(await waiting) == (0, 2)


async def test_few_records_wait_twice_as_long() -> None:
    clock = Clock()
    buffer = Buffer(Limits(5, 10**6, linger=2.0, few=3), clock)
    for first in (0, 3):
        buffer.add(records(first, first + 1))
        waiting = asyncio.create_task(buffer.take())
        clock.seconds += 2.5
        await asyncio.sleep(0)
        assert not waiting.done()
        if first:
            clock.seconds += 2.0  # old enough for two records
        buffer.add(records(first + 2, first + 2))  # enough records for this age
        assert offsets(await waiting) == (first, first + 2)
    buffer.add(records(6, 6))
    waiting = asyncio.create_task(buffer.take())
    clock.seconds += 4.5
    assert offsets(await asyncio.wait_for(waiting, 5)) == (6, 6)


async def test_waits_for_the_first_record() -> None:
    buffer = make(linger=0.0)
    waiting = asyncio.create_task(buffer.take())
    await asyncio.sleep(0)
    buffer.add(records(0, 0))
    assert offsets(await waiting) == (0, 0)


@pytest.mark.parametrize(("count", "size"), [(10, 10), (2, 900)])
async def test_full_at_two_batches(count: int, size: int) -> None:
    buffer = make(size=1000)
    buffer.add(records(0, count - 2, size))
    assert not buffer.full
    buffer.add(records(count - 1, count - 1, size))
    assert buffer.full


async def test_resumes_exactly_up_to_hi_whatever_the_limits() -> None:
    buffer = make(rows=2)
    buffer.add(records(10, 16))
    waiting = asyncio.create_task(buffer.take_up_to(20))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not buffer.full
    buffer.add(records(17, 25))
    resumed = await waiting
    assert resumed is not None
    assert offsets(resumed) == (10, 20)
    assert buffer.full
    assert offsets(await buffer.take()) == (21, 22)


async def test_resume_where_the_records_are_gone() -> None:
    buffer = make()
    buffer.add(records(50, 51))
    assert await buffer.take_up_to(20) == []


async def test_incomplete_resume_is_left_at_the_close() -> None:
    buffer = make()
    buffer.add(records(10, 12))
    waiting = asyncio.create_task(buffer.take_up_to(20))
    await asyncio.sleep(0)
    buffer.close()
    assert await waiting is None
    buffer.add(records(13, 30))
    assert await buffer.take_up_to(20) is None
