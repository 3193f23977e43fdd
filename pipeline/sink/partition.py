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
from pipeline.condition import CLICKHOUSE, KAFKA, Condition
from pipeline.logs import about
from pipeline.metrics import Metrics
from pipeline.sink.batch import Batch, StoredRecord
from pipeline.sink.buffer import Buffer
from pipeline.sink.clickhouse import RowsRejected, Unavailable
from pipeline.sink.offsets import Commit, Intent, Intents
from pipeline.sink.persistence import Fenced, persist
from pipeline.sink.reading import STAGE, Reading, dead_letter, read
from pipeline.sink.rows import Entry, entry
from pipeline.sink.tables import BY_TOPIC
from pipeline.sink.writer import Rejected, Writer
from pipeline.storm import StormLimit
from pipeline.tracing import OFF, BatchTrace, Tracing
from schemas import DeadLetter

T = TypeVar("T")
EmitDeadLetter = Callable[[DeadLetter], Awaitable[None]]
"""Send to ``molva.dead-letters`` and return when Kafka has confirmed it."""

KAFKA_STEPS = ("intent", "commit", "dead letter")
SLOW_SECONDS = 15.0
"""A step that takes longer makes the worker unready."""

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
    limit: StormLimit
    now: Callable[[], datetime]
    condition: Condition
    tracing: Tracing = OFF


class PartitionWriter:
    """``run`` is a task; `Buffer.close` asks it to finish, cancelling it abandons the batch under way.

    Abandoning is safe at every point: the intent makes the next owner repeat the same batch.
    """

    def __init__(self, partition: TopicPartition, buffer: Buffer, around: Surroundings) -> None:
        self.partition = partition
        self.buffer = buffer
        self._around = around
        self._table = BY_TOPIC[partition.topic].name
        self._place: dict[str, object] = {"topic": partition.topic, "partition": partition.partition}

    async def run(self) -> None:
        """Write until the buffer is closed and empty, or the group has given the partition to another worker.

        Raises:
            KafkaError: Kafka refuses for good; the worker should end.
            DeadLetterStorm: too many records are given up; the batch under way is not acknowledged.
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
        self._place |= {"offset": intent.lo, "until_offset": intent.hi}
        metrics.records_in.labels(STAGE, batch.topic).inc(len(records))
        around.limit.take(len(records))
        with metrics.stage_seconds.labels(STAGE).time(), around.tracing.batch(STAGE, records) as trace:
            reading = await self._in_thread(lambda: read(records, batch))
            if reading.entries and not resumed:
                await self._persist(lambda: around.intents.declare(self.partition, intent), "intent")
            by_offset = {record.offset: record for record in records}
            stored = await self._store(reading, by_offset, batch, resumed, trace)
            done = {self.partition: OffsetAndMetadata(intent.hi + 1, "")}
            await self._persist(lambda: around.commit(done), "commit")
        metrics.records_out.labels(STAGE, batch.topic).inc(len(stored))
        metrics.batch_size.labels(STAGE).observe(len(records))
        finished = around.now()
        latency = metrics.end_to_end_seconds.labels(STAGE)
        for row in stored:
            latency.observe(max(0.0, (finished - row.since).total_seconds()))

    async def _store(
        self,
        reading: Reading,
        records: dict[int, StoredRecord],
        batch: Batch,
        resumed: bool,
        trace: BatchTrace,
    ) -> Sequence[Entry]:
        """Rows into ClickHouse, dead letters to their topic; the entries that ClickHouse did not have yet."""
        for letter in reading.dead_letters:
            await self._emit(letter, records[int(letter.origin.rpartition(":")[2])])
        select, skipped = self._around.writer.select, self._around.metrics.rows_skipped.labels(self._table)
        entries: Sequence[Entry] = reading.entries
        selection = await self._try(partial(select, entries, batch, resumed=resumed), "look-up")
        skipped.inc(selection.skipped)
        while True:
            with trace.step(f"insert {self._table}"):
                rejected = await self._try(partial(self._insert, selection.entries, batch), "insert")
            if not rejected:
                return selection.entries
            entries = await self._set_aside(entries, rejected, records, batch)
            # a version that was to stand beside the rejected one may be the first now
            selection = await self._try(partial(select, entries, batch, resumed=True), "look-up")

    def _insert(self, entries: Sequence[Entry], batch: Batch) -> Sequence[Rejected]:
        """Insert the rows, or say which of them do not fit. Where none is at fault, inserting is tried again.

        Raises:
            Unavailable: the rows are not in ClickHouse, through no fault of theirs.
        """
        try:
            self._around.writer.insert(entries, batch)
        except RowsRejected as error:
            log.error("ClickHouse rejects rows of %s: %s", batch.token, error, extra=self._place)
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
                await self._emit(letter, records[offset])
        return kept

    async def _emit(self, letter: DeadLetter, record: StoredRecord) -> None:
        log.warning("dead letter, %s: %s", letter.reason, letter.detail, extra=about(record))
        await self._persist(lambda: self._around.emit_dead_letter(letter), "dead letter")
        self._around.limit.give_up(letter.reason, letter.detail)
        self._around.limit.require()

    async def _try(self, call: Callable[[], T], what: str) -> T:
        return await self._persist(lambda: self._in_thread(call), what)

    async def _persist(self, step: Callable[[], Awaitable[T]], what: str) -> T:
        retries = self._around.metrics.sink_retries.labels(self._table)
        condition, me = self._around.condition, f"{self.partition.topic}:{self.partition.partition}"

        def tell(error: Exception) -> None:
            retries.inc()
            part = CLICKHOUSE if isinstance(error, Unavailable) else KAFKA
            condition.trouble(part, me, f"{what}: {error}")

        slow = asyncio.get_running_loop().call_later(
            SLOW_SECONDS,
            condition.trouble,
            KAFKA if what in KAFKA_STEPS else CLICKHOUSE,
            me,
            f"{what}: no answer for {SLOW_SECONDS:.0f} s",
        )
        try:
            return await persist(step, f"{me} {what}", tell, place=self._place)
        finally:
            slow.cancel()
            for part in (CLICKHOUSE, KAFKA):
                condition.trouble(part, me, None)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._around.executor, call)
