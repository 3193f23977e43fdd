"""The poll loop of the notification stage over a consumer in memory: nothing is skipped, nothing early."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from pipeline.metrics import Metrics
from pipeline.stages.notification_poll import Poll
from pipeline.topics import ACTIONS, ALERTS, SPIKES
from schemas.codec import encode
from tests.alerts.spikes import T0, spike
from tests.alerts.surroundings import MemoryRows, Scripted, Stage, until, webhooks

PLACES = {TopicPartition(SPIKES, 0), TopicPartition(ACTIONS, 0)}


class Consumer:
    """Gives the batches of a list, one a poll; it is assigned its partitions during the first of them."""

    def __init__(self, *batches: list[Any], refuses: bool = False) -> None:
        self.batches = list(batches)
        self.mine: set[TopicPartition] = set()
        self.committed: dict[TopicPartition, int] = {}
        self.refuses = refuses

    def subscribe(self, topics: list[str], listener: Any) -> None:
        assert set(topics) == {SPIKES, ACTIONS}

    def assignment(self) -> set[TopicPartition]:
        return self.mine

    def highwater(self, place: TopicPartition) -> int:
        return 9

    async def getmany(self, timeout_ms: int, max_records: int) -> Mapping[TopicPartition, list[Any]]:
        await asyncio.sleep(0)
        self.mine = set(PLACES)
        batch = self.batches.pop(0) if self.batches else []
        return {TopicPartition(SPIKES, 0): batch} if batch else {}

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        if self.refuses:
            raise CommitFailedError("the group has moved on")
        self.committed |= {place: at.offset for place, at in offsets.items()}


def record(offset: int, **more: Any) -> Any:
    message = encode(spike(**more))
    stamp = int(T0.timestamp() * 1000)
    return SimpleNamespace(
        topic=SPIKES,
        partition=0,
        offset=offset,
        value=message.value,
        headers=[*message.headers, ("foreign", None)],
        timestamp=stamp,
    )


def lag(metrics: Metrics) -> float | None:
    labels = {"stage": "notification", "topic": SPIKES, "partition": "0"}
    return metrics.registry.get_sample_value("molva_consumer_lag_records", labels)


async def polled(consumer: Consumer, stage: Stage, done: Any) -> Poll:
    poll, stop = Poll(consumer, lambda: stage.shift, stage.metrics), asyncio.Event()
    running = asyncio.create_task(poll.run(stop))
    await until(done)
    stop.set()
    await running
    return poll


async def test_records_that_come_with_the_assignment_itself_are_taken() -> None:
    chat, rows = Scripted("chat"), MemoryRows()
    stage = Stage(webhooks("chat"), [chat], rows)
    consumer = Consumer([record(0)], [], [record(1, revision=2, status="resolved", minute=9)])
    await polled(consumer, stage, lambda: len(chat.got) == 2 and lag(stage.metrics) == 7)
    assert [each.alert.event for each in chat.got] == ["opened", "resolved"]
    assert consumer.committed == {TopicPartition(SPIKES, 0): 2}
    # who stops leaves no number behind that would stand still
    assert lag(stage.metrics) is None
    assert stage.metrics.registry.get_sample_value("molva_incidents_open", {"severity": "warning"}) is None
    assert stage.metrics.registry.get_sample_value("molva_notifications_queued", {"receiver": "chat"}) is None


async def test_an_acknowledgement_that_comes_too_late_ends_nothing() -> None:
    stage = Stage(webhooks(), [])
    consumer = Consumer([record(0)], [record(1, revision=2, status="updated")], refuses=True)
    await polled(consumer, stage, lambda: len(stage.alerts()) == 2)
    assert consumer.committed == {}


async def test_a_revocation_waits_for_what_is_under_way_and_ends_the_shift() -> None:
    chat = Scripted("chat")
    stage = Stage(webhooks("chat"), [chat])
    consumer = Consumer([record(0)])
    poll = await polled(consumer, stage, lambda: chat.got != [])
    await poll.on_partitions_revoked(PLACES)
    assert all(task.done() for task in stage.shift._tasks)


async def test_a_courier_that_fails_ends_the_worker() -> None:
    class Failing(MemoryRows):
        async def write(self, rows: Mapping[str, bytes | None]) -> None:
            if any(key.startswith("outbox|") and value is None for key, value in rows.items()):
                raise ConnectionError("Kafka is away")
            await super().write(rows)

    stage = Stage(webhooks("chat"), [Scripted("chat")], Failing())
    poll = Poll(Consumer([record(0)]), lambda: stage.shift, stage.metrics)
    with pytest.raises(ConnectionError):
        await poll.run(asyncio.Event())
    assert [each.topic for each in stage.sent] == [ALERTS]
