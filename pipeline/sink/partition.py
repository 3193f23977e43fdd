"""The writer of one partition: batch after batch, intent, rows, commit, until it is finished or fenced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from pipeline import topics
from pipeline.metrics import Metrics
from pipeline.sink.batch import Batch, StoredRecord
from pipeline.sink.buffer import Buffer
from pipeline.sink.clickhouse import RowsRejected
from pipeline.sink.offsets import Commit, Intent, Intents
from pipeline.sink.persistence import Fenced, persist
from pipeline.sink.reading import STAGE, Reading, dead_letter, read
from pipeline.sink.rows import Entry, entry
from pipeline.sink.tables import BY_TOPIC
from pipeline.sink.writer import Rejected, Writer
from schemas import DeadLetter

T = TypeVar("T")
EmitDeadLetter = Callable[[DeadLetter], Awaitable[None]]
"""Send to ``molva.dead-letters`` and return when Kafka has confirmed it."""

log = logging.getLogger("molva.storage")


@dataclass(frozen=True)
class Surroundings:
    """What all partitions of a storage worker share."""

    cluster: str
    writer: Writer
    intents: Intents
    commit: Commit
    emit_dead_letter: EmitDeadLetter
    executor: Executor
    metrics: Metrics
    now: Callable[[], datetime]


class PartitionWriter:
    """``run`` is a task; `Buffer.close` asks it to finish, cancelling it abandons the batch under way.

    Abandoning is safe at every point: the intent makes the next owner repeat the same batch.
    """

    def __init__(self, partition: TopicPartition, buffer: Buffer, around: Surroundings) -> None:
        self.partition = partition
        self.buffer = buffer
        self._around = around
        self._table = BY_TOPIC[partition.topic].name

    async def run(self) -> None:
        """Write until the buffer is closed and empty, or the group has given the partition to another worker.

        Raises:
            KafkaError: Kafka refuses for good; the worker should end.
        """
        try:
            if left := await self._persist(lambda: self._around.intents.pending(self.partition), "intent"):
                await self._resume(left)
            while records := await self.buffer.take():
                intent = Intent(records[0].offset, records[-1].offset)
                await self._write(records, intent, resumed=False)
        except Fenced as reason:
            log.info("%s: left to its new owner: %s", self.partition, reason)

    async def _resume(self, intent: Intent) -> None:
        records = await self.buffer.take_up_to(intent.hi)
        if records is None:
            return
        if not records or records[0].offset != intent.lo:
            log.error("%s: records of the unfinished batch %s have expired in Kafka", self.partition, intent)
        await self._write(records, intent, resumed=True)

    async def _write(self, records: Sequence[StoredRecord], intent: Intent, *, resumed: bool) -> None:
        around, metrics = self._around, self._around.metrics
        batch = Batch(around.cluster, self.partition.topic, self.partition.partition, *intent)
        metrics.records_in.labels(STAGE, batch.topic).inc(len(records))
        with metrics.stage_seconds.labels(STAGE).time():
            reading = await self._in_thread(lambda: read(records, batch))
            if reading.entries and not resumed:
                await self._persist(lambda: around.intents.declare(self.partition, intent), "intent")
            stored = await self._store(reading, {record.offset: record for record in records}, batch, resumed)
            done = {self.partition: OffsetAndMetadata(intent.hi + 1, "")}
            await self._persist(lambda: around.commit(done), "commit")
        metrics.records_out.labels(STAGE, batch.topic).inc(len(stored))
        metrics.batch_size.labels(STAGE).observe(len(records))
        finished = around.now()
        latency = metrics.end_to_end_seconds.labels(STAGE)
        for row in stored:
            latency.observe(max(0.0, (finished - row.since).total_seconds()))

    async def _store(
        self, reading: Reading, records: dict[int, StoredRecord], batch: Batch, resumed: bool
    ) -> Sequence[Entry]:
        """Rows into ClickHouse, dead letters to their topic; the entries that ClickHouse did not have yet."""
        for letter in reading.dead_letters:
            await self._emit(letter)
        writer, skipped = self._around.writer, self._around.metrics.rows_skipped.labels(self._table)
        selection = await self._try(lambda: writer.select(reading.entries, batch, resumed=resumed), "look-up")
        skipped.inc(selection.skipped)
        entries: Sequence[Entry] = selection.entries
        while rejected := await self._try(partial(self._insert, entries, batch), "insert"):
            entries = await self._set_aside(entries, rejected, records, batch)
        return entries

    def _insert(self, entries: Sequence[Entry], batch: Batch) -> Sequence[Rejected]:
        """Insert the rows, or say which of them do not fit. Where none is at fault, inserting is tried again.

        Raises:
            Unavailable: the rows are not in ClickHouse, through no fault of theirs.
        """
        try:
            self._around.writer.insert(entries, batch)
        except RowsRejected as error:
            log.error("%s: ClickHouse rejects rows of %s: %s", self.partition, batch.token, error)
            return self._around.writer.rejected(entries)
        return ()

    async def _set_aside(
        self,
        entries: Sequence[Entry],
        rejected: Sequence[Rejected],
        records: dict[int, StoredRecord],
        batch: Batch,
    ) -> Sequence[Entry]:
        """The entries without the rejected ones, which become dead letters.

        A dead letter that cannot be stored is replaced by one about it: sent to its topic, it would loop.
        """
        at_fault = {place.offset: place.detail for place in rejected}
        kept = [row for row in entries if row.offset not in at_fault]
        for offset, detail in at_fault.items():
            letter = dead_letter(records[offset], "failed", f"ClickHouse rejects the row: {detail}")
            if batch.topic == topics.DEAD_LETTERS:
                kept.append(entry(letter, batch, offset))
            else:
                await self._emit(letter)
        return kept

    async def _emit(self, letter: DeadLetter) -> None:
        await self._persist(lambda: self._around.emit_dead_letter(letter), "dead letter")
        self._around.metrics.dead_letters.labels(STAGE, letter.reason).inc()

    async def _try(self, call: Callable[[], T], what: str) -> T:
        return await self._persist(lambda: self._in_thread(call), what)

    async def _persist(self, step: Callable[[], Awaitable[T]], what: str) -> T:
        retries = self._around.metrics.sink_retries.labels(self._table)
        return await persist(step, f"{self.partition} {what}", retries.inc)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._around.executor, call)
