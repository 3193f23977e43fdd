"""Faust's messages as our records, and when a batch is acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.batches import batches, incoming
from pipeline.topics import RAW


def message(offset: int = 0, **fields: Any) -> Any:
    given = {"headers": [("ce_type", b"x")], "timestamp": 1.5, "value": b"v", **fields}
    return SimpleNamespace(topic=RAW, partition=1, offset=offset, **given)


class Stream:
    """Stands for Faust's stream."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.acknowledged: list[int] = []
        self.closed = False

    async def noack_take(self, size: int, within: float) -> AsyncIterator[list[Any]]:
        try:
            for first in range(0, self.count, size):
                last = min(self.count, first + size)
                yield [SimpleNamespace(message=message(offset)) for offset in range(first, last)]
        finally:
            self.closed = True

    async def ack(self, event: Any) -> None:
        self.acknowledged.append(event.message.offset)


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


async def test_a_batch_is_acknowledged_when_the_next_one_is_asked_for() -> None:
    stream = Stream(5)
    taken: Any = batches(stream, 2, timedelta(seconds=1))
    await anext(taken)
    assert stream.acknowledged == []
    await anext(taken)
    assert stream.acknowledged == [0, 1]
    await taken.aclose()
    assert stream.acknowledged == [0, 1]
    assert stream.closed
