"""The storage stage: reads what the pipeline has made of posts and writes it to ClickHouse exactly once.

A plain aiokafka consumer, because batch boundaries must be reproducible (ADR 0002). The poll loop fills one
buffer per partition; one `PartitionWriter` per partition empties it. While ClickHouse is down the writers try
again, the buffers fill, their partitions are paused, and the consumer stays in its group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import datetime
from importlib.metadata import version
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from pipeline.condition import KAFKA, PARTITIONS, Condition
from pipeline.kafka import client_options
from pipeline.kafka_link import link_trouble
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.sink.buffer import Buffer, Limits
from pipeline.sink.clickhouse import Clients, connect, end_threads
from pipeline.sink.migrations import known
from pipeline.sink.offsets import BrokerIntents, Intents, KafkaIntents, OffsetsOfGroup
from pipeline.sink.partition import EmitDeadLetter, PartitionWriter, Surroundings
from pipeline.sink.reading import STAGE
from pipeline.sink.tables import BY_TOPIC
from pipeline.sink.workers import Heartbeat
from pipeline.sink.writer import Writer
from pipeline.storm import storm_limit
from pipeline.tracing import OFF, Tracing

GROUP = "molva-storage"
INTENTS = "molva-storage-intents"
"""A group that nobody joins: with the embedded broker its offsets are the intents (`BrokerIntents`)."""
THREADS = 4
BATCH_BYTES = 8 * 1024 * 1024
FEW_ROWS = 250
"""An insert of fewer is mostly fixed cost (docs/performance.md), so it may wait twice the linger."""
BUFFERED_BYTES = 64 * 1024 * 1024
"""Of all partitions together; above it, partitions that have records waiting are given no more."""
POLL_SECONDS = 0.1
REVOKE_SECONDS = 2.0
"""How long batches under way may take to finish when their partitions are revoked, or at the stop."""


class Storage(ConsumerRebalanceListener):  # type: ignore[misc]
    """The poll loop and the rebalance listener of one storage worker."""

    def __init__(self, consumer: Any, around: Surroundings, limits: Limits) -> None:
        self._consumer = consumer
        self._around = around
        self._limits = limits
        self._writers: dict[TopicPartition, tuple[PartitionWriter, asyncio.Task[None]]] = {}
        self._failure: Exception | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Subscribe and write until ``stop``, then finish what is buffered, commit, and return.

        Raises:
            KafkaError: Kafka refuses for good.
        """
        self._consumer.subscribe(list(BY_TOPIC), listener=self)
        try:
            while not stop.is_set():
                await self._poll()
        finally:
            await self._finish(list(self._writers))
        self._raise_failure()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start a writer per partition; nothing is awaited, so it is there before the first record."""
        clock = asyncio.get_running_loop().time
        for partition in assigned:
            writer = PartitionWriter(partition, Buffer(self._limits, clock), self._around)
            self._writers[partition] = (writer, asyncio.create_task(writer.run(), name=f"write {partition}"))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish or abandon the batches of the partitions before another worker gets them."""
        await self._finish(list(revoked))

    async def _poll(self) -> None:
        self._raise_failure()
        self._hold_back()
        self._around.metrics.worker_ready.labels(STAGE).set(1 if self._writers else 0)
        self._tell_condition()
        found = await self._consumer.getmany(
            timeout_ms=int(POLL_SECONDS * 1000), max_records=self._limits.rows
        )
        for partition, records in found.items():
            if partition in self._writers:
                self._writers[partition][0].buffer.add(records)
            end, at = self._consumer.highwater(partition), records[-1].offset + 1
            lag = self._around.metrics.consumer_lag.labels(STAGE, partition.topic, partition.partition)
            lag.set(max(0, (end or at) - at))

    def _tell_condition(self) -> None:
        condition = self._around.condition
        if self._writers:
            condition.well(PARTITIONS)
        else:
            condition.unwell(PARTITIONS, "none is assigned")
        condition.trouble(KAFKA, "consumer", link_trouble(self._consumer))

    def _hold_back(self) -> None:
        """Pause the partitions whose buffers are full, resume the others."""
        paused = self._consumer.paused()
        buffers = {partition: writer.buffer for partition, (writer, _) in self._writers.items()}
        crowded = sum(buffer.size for buffer in buffers.values()) >= BUFFERED_BYTES
        full = {at for at, buffer in buffers.items() if buffer.full or (crowded and buffer.crowding)}
        mine = self._consumer.assignment() & self._writers.keys()
        if more := (full & mine) - paused:
            self._consumer.pause(*more)
        if fewer := (paused & mine) - full:
            self._consumer.resume(*fewer)

    async def _finish(self, partitions: list[TopicPartition]) -> None:
        tasks = []
        for partition in partitions:
            if partition in self._writers:
                writer, task = self._writers.pop(partition)
                writer.buffer.close()
                tasks.append(task)
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=REVOKE_SECONDS)
        for task in unfinished:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                self._failure = outcome

    def _raise_failure(self) -> None:
        """The error of a writer ends the worker."""
        if self._failure is not None:
            raise self._failure
        for _, task in self._writers.values():
            if task.done():
                task.result()


async def run(
    settings: Settings,
    metrics: Metrics,
    stop: asyncio.Event,
    *,
    emit_dead_letter: EmitDeadLetter,
    now: Callable[[], datetime],
    condition: Condition | None = None,
    tracing: Tracing = OFF,
) -> None:
    """Run the storage stage until ``stop`` is set; the database must have been migrated.

    Raises:
        KafkaError: Kafka cannot be reached at the start, or refuses for good.
        DeadLetterStorm: too many records are given up.
    """
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(**client_options(settings), client_id=f"{GROUP}-admin")
        stack.push_async_callback(admin.close)
        await admin.start()
        cluster = str((await admin.describe_cluster())["cluster_id"])
        executor = ThreadPoolExecutor(THREADS, thread_name_prefix="clickhouse")
        clients = Clients(lambda: connect(settings))
        stack.push_async_callback(end_threads, executor, clients)
        heartbeat = asyncio.create_task(
            Heartbeat(clients, executor, STAGE, version("molva"), known()[-1].version).run(), name="heartbeat"
        )
        stack.callback(heartbeat.cancel)
        consumer = AIOKafkaConsumer(**client_options(settings), **consumer_options(settings))
        stack.push_async_callback(consumer.stop)
        await consumer.start()
        committed = OffsetsOfGroup(admin, GROUP).committed
        intents: Intents = KafkaIntents(consumer.commit, committed)
        if settings.kafka_kind == "embedded":
            intents = BrokerIntents(consumer.commit, committed, OffsetsOfGroup(admin, INTENTS))
        around = Surroundings(
            cluster=cluster,
            writer=Writer(clients),
            intents=intents,
            commit=consumer.commit,
            emit_dead_letter=emit_dead_letter,
            executor=executor,
            metrics=metrics,
            limit=storm_limit(settings, STAGE, metrics),
            now=now,
            condition=condition or Condition(),
            tracing=tracing,
        )
        linger = settings.storage_linger.total_seconds()
        limits = Limits(settings.storage_batch, BATCH_BYTES, linger, FEW_ROWS)
        await Storage(consumer, around, limits).run(stop)


def consumer_options(settings: Settings) -> dict[str, Any]:
    """How storage consumes: by hand-made commits only, from the start of the log, committed records only."""
    options: dict[str, Any] = {
        "group_id": GROUP,
        "client_id": GROUP,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }
    if settings.kafka_kind == "embedded":
        # A JoinGroup waits half the session timeout there.
        options |= {"session_timeout_ms": 6000, "heartbeat_interval_ms": 1000, "rebalance_timeout_ms": 6000}
    return options
