"""The corrections of Faust: each test fails on the plain class and passes on the corrected one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest
from faust import streams
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from pipeline import faust_corrections
from pipeline.app import build_app
from pipeline.settings import Settings

PATCHED = [
    (ThreadDelegateConsumer, "_getmany"),
    (Recovery, "on_recovery_completed"),
    (AIOKafkaConsumerThread, "highwaters"),
    (Recovery, "_resume_streams"),
    (Consumer, "ack"),
    (Consumer, "wait_first"),
    (TableManager, "on_start"),
]


@pytest.fixture
def plain() -> Iterator[None]:
    """Whatever a test applies is taken back."""
    before = [(owner, name, getattr(owner, name)) for owner, name in PATCHED]
    yield
    for owner, name, function in before:
        setattr(owner, name, function)


async def fetched_with(live: set[TP]) -> Any:
    """The set that aiokafka still holds after a rebalance has emptied Faust's own during the fetch."""
    seen: list[Any] = []

    async def getmany(active: Any, *_: Any) -> dict[TP, list[Any]]:
        seen.append(active)
        live.clear()
        return {}

    consumer = SimpleNamespace(_thread=SimpleNamespace(getmany=getmany))
    await ThreadDelegateConsumer._getmany(consumer, live, 1.0)
    return seen[0]


async def test_a_rebalance_during_a_fetch_does_not_turn_it_into_a_fetch_of_all(plain: None) -> None:
    assert await fetched_with({TP("t", 0)}) == set()  # aiokafka reads an empty set as: every partition
    faust_corrections.apply()
    assert await fetched_with({TP("t", 0)}) == {TP("t", 0)}


def recovery(events: list[str]) -> Any:
    """What `Recovery.on_recovery_completed` touches; it notes the order of what matters."""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    async def perform_seek() -> None:
        events.append("seek")

    async def wait(awaitable: Any, **_: Any) -> None:
        await awaitable

    consumer = SimpleNamespace(
        assignment=lambda: {TP("t", 0)},
        perform_seek=perform_seek,
        resume_partitions=lambda tps: events.append("resume"),
        resume_flow=lambda: None,
    )
    app = SimpleNamespace(
        consumer=consumer,
        consumer_generation_id=3,
        conf=SimpleNamespace(broker_request_timeout=5),
        on_rebalance_complete=SimpleNamespace(send=nothing),
        flow_control=SimpleNamespace(resume=lambda: None),
        _fetcher=SimpleNamespace(maybe_start=nothing),
        assignor=SimpleNamespace(assigned_standbys=lambda: []),
        on_rebalance_end=lambda: None,
    )
    tables = SimpleNamespace(values=lambda: [], on_actives_ready=lambda: None, on_standbys_ready=lambda: None)
    return SimpleNamespace(
        app=app,
        tables=tables,
        _wait=wait,
        _set_recovery_ended=lambda: None,
        _is_changelog_tp=lambda tp: False,
        completed=asyncio.Event(),
        log=SimpleNamespace(info=lambda *_: None, dev=lambda *_: None, warning=lambda *_: None),
    )


RESUMING = ["on_recovery_completed", "_resume_streams"]


@pytest.mark.parametrize("name", RESUMING)
async def test_partitions_are_sought_before_they_are_resumed_and_not_again(plain: None, name: str) -> None:
    events: list[str] = []
    await getattr(Recovery, name)(recovery(events), 3)
    assert events == ["resume", "seek"]
    faust_corrections.apply()
    events.clear()
    await getattr(Recovery, name)(recovery(events), 3)
    assert events == ["seek", "resume"]


@pytest.mark.parametrize("name", RESUMING)
async def test_the_fetcher_may_seek_while_streams_are_resumed(plain: None, name: str) -> None:
    faust_corrections.apply()
    events: list[str] = []
    resumed = recovery(events)

    async def fetcher_seeks() -> None:
        await asyncio.ensure_future(fetching())

    async def fetching() -> None:
        await resumed.app.consumer.perform_seek()

    resumed.app._fetcher.maybe_start = fetcher_seeks
    await getattr(Recovery, name)(resumed, 3)
    assert events == ["seek", "resume", "seek"]


@pytest.mark.parametrize("name", RESUMING)
async def test_a_recovery_of_an_older_generation_seeks_nothing(plain: None, name: str) -> None:
    faust_corrections.apply()
    events: list[str] = []
    await getattr(Recovery, name)(recovery(events), 2)
    assert events == []


async def test_table_recovery_asks_the_injected_function_for_the_end(plain: None) -> None:
    async def ends(partitions: list[TP]) -> dict[TP, int]:
        return dict.fromkeys(partitions, 50_000)

    faust_corrections.apply(ends)
    thread = AIOKafkaConsumerThread.__new__(AIOKafkaConsumerThread)
    assert await thread.highwaters(TP("changelog", 1)) == {TP("changelog", 1): 50_000}


class Acknowledgements(SimpleNamespace):
    """What `Consumer.ack` touches."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            app=app,
            unacked=WeakSet(),
            _unacked_messages=WeakSet(),
            _waiting_for_ack=None,
            _committed_offset=defaultdict(lambda: None),
            _acked=defaultdict(list),
            _acked_index=defaultdict(set),
            _n_acked=0,
        )

    def ack(self, message: Any) -> bool:
        return bool(Consumer.ack(self, message))


async def skipped_at_a_rebalance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[int]]:
    """A record fetched before a rebalance, then one after it: the offsets processed and acknowledged."""
    monkeypatch.setattr(streams, "_CStreamIterator", None)
    app = build_app(Settings(data_dir=folder), "enrichment")
    topic = app.topic("t", value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")
    app.consumer = Acknowledgements(app)
    app.topics._acking_topics.add("t")
    app.flow_control.resume()
    app.consumer_generation_id = 2
    channel = topic.clone(is_iterator=True)
    processed = []
    for offset, generation in ((7, 1), (3, 2)):
        message = ConsumerMessage(
            "t", 0, offset, 1.0, 0, [], b"k", b"v", None, tp=TP("t", 0), generation_id=generation
        )
        message.incref()
        channel.queue.put_nowait(await topic.decode(message))
    async with aclosing(app.stream(channel).noack().events()) as events:
        async for event in events:
            processed.append(event.message.offset)
            break
    return processed, app.consumer._acked[TP("t", 0)]


async def test_what_is_skipped_at_a_rebalance_is_not_acknowledged(
    plain: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await skipped_at_a_rebalance(tmp_path, monkeypatch) == ([3], [7])
    faust_corrections.apply()
    assert await skipped_at_a_rebalance(tmp_path, monkeypatch) == ([3], [])


async def tasks_of(record: Coroutine[Any, Any, Any]) -> int:
    """How many tasks it takes Faust's fetcher to hand on a record."""
    made: list[Any] = []
    loop = asyncio.get_running_loop()
    suspended = asyncio.Event()

    def counting(loop: Any, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        made.append(coro)
        return asyncio.Task(coro, loop=loop, **kwargs)

    consumer = SimpleNamespace(_stopped=asyncio.Event(), _crashed=asyncio.Event(), loop=loop)
    loop.set_task_factory(counting)
    try:
        await Consumer.wait_first(consumer, record, suspended.wait())
    finally:
        loop.set_task_factory(None)
    return len(made)


async def test_a_record_that_nobody_waits_for_costs_no_task(plain: None) -> None:
    taken: list[int] = []

    async def take() -> None:
        async with asyncio.Lock():
            taken.append(1)

    assert await tasks_of(take()) == 4
    faust_corrections.apply()
    assert await tasks_of(take()) == 0
    assert taken == [1, 1]


async def test_a_record_that_is_waited_for_is_handed_on_as_before(plain: None) -> None:
    faust_corrections.apply()
    lock, taken = asyncio.Lock(), []

    async def take() -> None:
        async with lock:
            taken.append(1)

    await lock.acquire()
    asyncio.get_running_loop().call_soon(lock.release)
    assert await tasks_of(take()) == 4
    assert taken == [1]


async def test_a_record_that_waits_is_given_up_when_the_flow_is_suspended(plain: None) -> None:
    faust_corrections.apply()
    ended: list[str] = []

    async def take() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    suspended = asyncio.Event()
    suspended.set()
    consumer = SimpleNamespace(
        _stopped=asyncio.Event(), _crashed=asyncio.Event(), loop=asyncio.get_running_loop()
    )
    await Consumer.wait_first(consumer, take(), suspended.wait())
    await asyncio.sleep(0)
    assert ended == ["cancelled"]


async def test_the_error_of_a_record_is_raised(plain: None) -> None:
    faust_corrections.apply()

    async def at_once() -> None:
        raise ValueError("broken")

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("broken")

    for record in (at_once(), later()):
        with pytest.raises(ValueError, match="broken"):
            await tasks_of(record)


async def test_tables_start_without_a_sleep(plain: None) -> None:
    done: list[str] = []

    async def note(name: str) -> None:
        done.append(name)

    tables = SimpleNamespace(
        sleep=lambda seconds: note(f"sleep {seconds}"),
        should_stop=False,
        _update_channels=lambda: note("channels"),
        recovery=SimpleNamespace(start=lambda: note("recovery")),
    )
    await TableManager.on_start(tables)
    assert done == ["sleep 1.0", "channels", "recovery"]
    done.clear()
    faust_corrections.apply()
    await TableManager.on_start(tables)
    assert done == ["channels", "recovery"]


def test_another_version_of_faust_is_refused(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust_corrections, "version", lambda name: "0.16.0")
    with pytest.raises(faust_corrections.UnknownFaustVersion, match=r"0\.16\.0"):
        faust_corrections.apply()
