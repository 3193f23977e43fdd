"""Reads ``molva.spikes`` and ``molva.alerts.actions`` for the notification stage; one worker has both.

A plain aiokafka consumer: state must change between records too (queues, snoozes), which Faust's tables do
not allow. Each topic has one partition, and range assignment gives both to the same member; others stand by.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import OffsetAndMetadata

from pipeline.batches import LAST_SECOND, Incoming
from pipeline.condition import KAFKA, PARTITIONS, Condition
from pipeline.kafka import client_options
from pipeline.kafka_link import link_trouble
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.stages.notification import STAGE, Shift
from pipeline.topics import ACTIONS, SPIKES
from pipeline.tracing import OFF, Tracing

GROUP = "molva-notification"
SOURCES = (SPIKES, ACTIONS)
POLL_MS = 500
RECORDS = 200
"""At most per checkpoint."""

log = logging.getLogger("molva.notification")


class Poll(ConsumerRebalanceListener):  # type: ignore[misc]
    """The poll loop and the rebalance listener of one notification worker."""

    def __init__(
        self,
        consumer: Any,
        new_shift: Callable[[], Shift],
        metrics: Metrics,
        condition: Condition | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self._consumer = consumer
        self._new_shift = new_shift
        self._metrics = metrics
        self._condition = condition
        self._tracing = tracing
        self._shift: Shift | None = None
        self._busy = asyncio.Lock()
        self._joined = False

    async def run(self, stop: asyncio.Event) -> None:
        """Subscribe and work until ``stop``.

        Raises:
            KafkaError: Kafka refuses for good; the next start goes on from the journal.
        """
        self._consumer.subscribe(list(SOURCES), listener=self)
        try:
            while not stop.is_set():
                await self._poll()
        finally:
            await self._end()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop, after what is under way, before another worker begins."""
        self._joined = False
        async with self._busy:
            await self._end()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """The next poll begins the shift: reading the journal takes longer than a listener should."""
        self._joined = True

    async def _poll(self) -> None:
        found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS)
        async with self._busy:
            shift = await self._own_shift()
            # one that stands by is well, too
            ready = bool(shift or self._joined)
            self._metrics.worker_ready.labels(STAGE).set(1 if ready else 0)
            self._tell_condition(ready)
            if shift is None:
                return  # what was read just before a revocation is read again by the next owner
            if records := [record for place in sorted(found) for record in found[place]]:
                taken = [_incoming(record) for record in records]
                with self._tracing.batch(STAGE, taken):
                    await shift.take(taken)
            else:
                await shift.tick()
            shift.raise_failure()
        if records:
            await self._commit(
                {place: OffsetAndMetadata(batch[-1].offset + 1, "") for place, batch in found.items()}
            )

    def _tell_condition(self, ready: bool) -> None:
        if self._condition is None:
            return
        if ready:
            self._condition.well(PARTITIONS)
        else:
            self._condition.unwell(PARTITIONS, "not assigned")
        self._condition.trouble(KAFKA, "consumer", link_trouble(self._consumer))

    async def _own_shift(self) -> Shift | None:
        """The shift of the present assignment, begun where need be; None while another worker has it."""
        mine = {place.topic for place in self._consumer.assignment()} >= set(SOURCES)
        if mine and self._shift is None:
            shift = self._new_shift()
            await shift.start()
            self._shift = shift
        return self._shift

    async def _commit(self, ends: dict[TopicPartition, OffsetAndMetadata]) -> None:
        try:
            await self._consumer.commit(ends)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("not acknowledged, the partitions have another owner now: %s", error)
            return
        if self._shift is not None:  # else another worker tells it
            self._tell_lag(ends)

    async def _end(self) -> None:
        shift, self._shift = self._shift, None
        if shift is not None:
            await shift.end()
            for topic in SOURCES:
                self._metrics.consumer_lag.remove(STAGE, topic, 0)

    def _tell_lag(self, ends: dict[TopicPartition, OffsetAndMetadata]) -> None:
        for place, at in ends.items():
            end = self._consumer.highwater(place)
            lag = self._metrics.consumer_lag.labels(STAGE, place.topic, place.partition)
            lag.set(max(0, (end or at.offset) - at.offset))


def new_consumer(settings: Settings) -> Any:
    """A consumer that commits by hand only and reads from the start of the log."""
    options: dict[str, Any] = {
        "group_id": GROUP,
        "client_id": GROUP,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "partition_assignment_strategy": (RangePartitionAssignor,),
    }
    if settings.kafka_kind == "embedded":  # a JoinGroup waits half the session timeout there
        options |= {"session_timeout_ms": 6000, "heartbeat_interval_ms": 1000, "rebalance_timeout_ms": 6000}
    return AIOKafkaConsumer(**client_options(settings), **options)


def _incoming(record: Any) -> Incoming:
    """An aiokafka record as stages see records."""
    moment = datetime.fromtimestamp(min(max(0, record.timestamp) / 1000, LAST_SECOND), UTC)
    headers = [(name, value) for name, value in record.headers if value is not None]
    return Incoming(record.topic, record.partition, record.offset, record.value, headers, moment)
