"""The state table on Faust's own table and producer: a flush returns when, and only when, all is there."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from faust.streams import _current_event

from pipeline.app import build_app
from pipeline.settings import Settings
from pipeline.topics import MENTIONS
from pipeline.wiring.detection import FaustStates


class Brokers:
    """Stands for aiokafka's producer under Faust's: confirms when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent: list[tuple[bytes, int, asyncio.Future[Any]]] = []
        self.arrived = asyncio.Event()

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int, **_: Any) -> Any:
        await self.open.wait()
        promise = asyncio.get_running_loop().create_future()
        self.sent.append((key, partition, promise))
        self.arrived.set()
        return promise

    async def flush(self) -> None:
        return None


class Event(SimpleNamespace):
    """What Faust takes for the event that is being processed."""


@pytest.fixture
async def brokers() -> Brokers:
    return Brokers()


@pytest.fixture
async def states(brokers: Brokers, tmp_path: Path) -> AsyncIterator[FaustStates]:
    app = build_app(Settings(data_dir=tmp_path), "detection")
    table = app.Table("state", partitions=4, default=None, key_type=bytes, value_type=bytes)
    app.consumer = SimpleNamespace(topic_partitions=lambda topic: 4)
    producer = app.producer
    producer._producer = brokers
    app.maybe_start_producer = lambda: asyncio.sleep(0, producer)
    await producer.buffer.start()
    event = Event(message=SimpleNamespace(topic=MENTIONS, partition=2))
    _current_event.set(weakref.ref(event))
    yield FaustStates(table)
    brokers.open.set()
    await producer.buffer.stop()


async def test_a_flush_waits_for_a_write_that_has_not_left_faust(
    states: FaustStates, brokers: Brokers
) -> None:
    states.write("2|object|live|bank", b"state")
    flushing = asyncio.create_task(states.flush())
    await asyncio.wait([flushing], timeout=0.3)  # Faust's own flush gives up after 0.1 s
    assert not flushing.done()
    brokers.open.set()
    await brokers.arrived.wait()
    key, partition, promise = brokers.sent[0]
    assert (key, partition) == (b"2|object|live|bank", 2)
    assert not flushing.done()
    promise.set_result(SimpleNamespace(topic_partition=None, offset=0))
    await flushing
    assert dict(states.items()) == {"2|object|live|bank": b"state"}


async def test_a_refused_write_is_an_error_of_the_flush(states: FaustStates, brokers: Brokers) -> None:
    brokers.open.set()
    states.write("2|object|live|bank", b"state")
    flushing = asyncio.create_task(states.flush())
    await brokers.arrived.wait()
    brokers.sent[0][2].set_exception(MessageSizeTooLargeError("too large for the topic"))
    with pytest.raises(MessageSizeTooLargeError):
        await flushing


async def test_nothing_written_needs_no_wait(states: FaustStates) -> None:
    await states.flush()
