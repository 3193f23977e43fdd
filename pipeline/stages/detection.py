"""Detection: mentions and watermarks in, spikes out, state in a Faust table.

Records are absorbed one by one; a checkpoint comes when nothing more waits (once a second at most, at once
where there are spikes), or after 500 records. It sends the spikes, writes the changed states, and only then
acknowledges the records behind them. A crash in between delivers them again: states skip what they have
absorbed, and a spike sent twice is the same event. Baselines come in a topic of their own with the same
partitions, and wait for nothing: learning one takes a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from time import perf_counter
from typing import Any, Protocol

from pipeline.batches import Incoming, incoming
from pipeline.core.detection import PartitionDetector
from pipeline.core.object_state import RESOLUTIONS
from pipeline.emission import Emit, Outgoing, dead_letter, outgoing
from pipeline.logs import about
from pipeline.metrics import Metrics
from pipeline.storm import StormLimit
from pipeline.topics import MENTIONS, SPIKES
from pipeline.tracing import OFF, BatchTrace, Tracing
from schemas import Baseline, Mention, Reason, Spike, Watermark
from schemas.codec import InvalidRecord, decode, event_type, header
from schemas.spike import Resolution

STAGE = "detection"
CHECKPOINT_RECORDS = 500
CHECKPOINT_PAUSE = timedelta(seconds=1)
"""A checkpoint writes whole states: one per record would cost more than all the rest of the stage."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)

log = logging.getLogger("molva.detection")


class States(Protocol):
    """The state table: the changelog topic behind a mapping."""

    def items(self) -> Iterable[tuple[str, bytes]]:
        """All states of the assigned partitions."""
        ...

    def write(self, key: str, value: bytes) -> None:
        """Set a state; it is durable after `flush`."""
        ...

    async def flush(self) -> None:
        """Return when the brokers have confirmed what was written."""
        ...


@dataclass
class Shard:
    """One assigned partition: its detector, and what has been taken since its last checkpoint."""

    detector: PartitionDetector
    events: list[Any] = field(default_factory=list)
    records: list[Incoming] = field(default_factory=list)
    out: list[Outgoing] = field(default_factory=list)
    checked_at: datetime = EPOCH


@dataclass
class Detection:
    """The stage and what it needs.

    ``caught_up`` tells whether a record is the last of its partition, as far as the last fetch knew. An end
    that is out of date costs a checkpoint more than needed; where it lies ahead, more records are on their
    way, the last of which is told. (Markers of transactions would hide it; nobody writes mentions in them.)
    """

    states: States
    emit: Emit
    new_detector: Callable[[int], PartitionDetector]
    caught_up: Callable[[Incoming], bool]
    clock: Callable[[], datetime]
    metrics: Metrics
    limit: StormLimit
    tracing: Tracing = OFF
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _shards: dict[int, Shard] = field(default_factory=dict)
    _open: dict[Resolution, set[str]] = field(default_factory=lambda: {each: set() for each in RESOLUTIONS})

    def forget(self) -> None:
        """Partitions were revoked: what was not acknowledged will be delivered again, to whoever owns it."""
        self._shards = {}
        for resolution, known in self._open.items():
            known.clear()
            self.metrics.spikes_open.labels(resolution).set(0)

    async def run(self, stream: Any) -> None:
        """Judge a Faust stream of ``molva.mentions`` and ``molva.baselines`` until it ends.

        Raises:
            DeadLetterStorm: too many records are given up; all that was read before is acknowledged.
        """
        events = stream.noack()
        async for event in events.events():
            record = incoming(event.message)
            shard = self._shard(record.partition)
            shard.events.append(event)
            shard.records.append(record)
            self.absorb(shard, record)
            if await self._due(shard, record):
                await self._checkpoint(shard, events.ack)
            if self.limit.exceeded:
                await self._stop(events.ack)

    async def _due(self, shard: Shard, record: Incoming) -> bool:
        """Whether to make a checkpoint now; where the last is too fresh, it waits for more records first."""
        if len(shard.events) >= CHECKPOINT_RECORDS or record.topic != MENTIONS:
            return True
        if not self.caught_up(record):
            return False
        pause = CHECKPOINT_PAUSE - (self.clock() - shard.checked_at)
        if not shard.out and pause > timedelta(0):
            await self.sleep(min(pause, CHECKPOINT_PAUSE).total_seconds())
            return self.caught_up(record)
        return True

    async def _stop(self, acknowledge: Callable[[Any], Awaitable[Any]]) -> None:
        """Say of all partitions what was given up, then end the worker."""
        for shard in list(self._shards.values()):
            if shard.events:
                await self._checkpoint(shard, acknowledge)
        self.limit.require()

    def absorb(self, shard: Shard, record: Incoming) -> None:
        """Take one record into the state; spikes and dead letters wait for the checkpoint."""
        self.metrics.records_in.labels(STAGE, record.topic).inc()
        self.limit.take()
        kind = header(record.headers, "ce_type")
        try:
            if kind == event_type(Watermark):
                watermark = decode(Watermark, record.value)
                _require_year(watermark.watermark)
                self._advance(shard, watermark, record)
            elif kind in (None, event_type(Mention)):
                mention = decode(Mention, record.value)
                _require_year(mention.created_at)
                self._count(shard, mention)
            elif kind == event_type(Baseline):
                self._learn(shard, decode(Baseline, record.value))
            else:
                self._dead(shard, record, "unknown_type", f"{record.topic} does not carry ce_type {kind!r}")
        except InvalidRecord as error:
            self._dead(shard, record, error.reason, error.detail)

    def _advance(self, shard: Shard, watermark: Watermark, record: Incoming) -> None:
        if watermark.origin is None:
            self._dead(shard, record, "invalid", "origin: a watermark in the mentions names its raw record")
            return
        started = perf_counter()
        self._tell(shard, shard.detector.advance(watermark, record.timestamp))
        self.metrics.stage_seconds.labels(STAGE).observe(perf_counter() - started)
        closed = shard.detector.closed(watermark.timeline)
        if closed is not None:
            self.metrics.watermark.labels(watermark.timeline).set(closed.timestamp())

    def _count(self, shard: Shard, mention: Mention) -> None:
        verdict = shard.detector.absorb(mention)
        if verdict == "late":
            self.metrics.late_mentions.labels(mention.source).inc()
        waited = (self.clock() - mention.collected_at).total_seconds()
        self.metrics.end_to_end_seconds.labels(STAGE).observe(max(0.0, waited))

    def _learn(self, shard: Shard, past: Baseline) -> None:
        started = perf_counter()
        outcomes = shard.detector.learn(past)
        self.metrics.stage_seconds.labels(STAGE).observe(perf_counter() - started)
        for resolution, outcome in outcomes.items():
            self.metrics.baselines.labels(resolution, outcome).inc()
        became = ", ".join(f"{resolution} {outcome}" for resolution, outcome in outcomes.items())
        log.info("baseline of %s on %s: %s", past.object_id, past.timeline, became)

    def _tell(self, shard: Shard, spikes: Iterable[Spike]) -> None:
        for spike in spikes:
            shard.out.append(outgoing(SPIKES, spike))
            self.metrics.spike_events.labels(spike.status, spike.resolution).inc()
            known = self._open[spike.resolution]
            (known.discard if spike.status == "resolved" else known.add)(spike.id)
            self.metrics.spikes_open.labels(spike.resolution).set(len(known))

    async def _checkpoint(self, shard: Shard, acknowledge: Callable[[Any], Awaitable[Any]]) -> None:
        records, shard.records = shard.records, []
        shard.checked_at = self.clock()
        with self.tracing.batch(STAGE, records) as trace:
            await self._settle(shard, acknowledge, trace)

    async def _settle(
        self, shard: Shard, acknowledge: Callable[[Any], Awaitable[Any]], trace: BatchTrace
    ) -> None:
        self._tell(shard, shard.detector.catch_up())
        events, shard.events = shard.events, []
        out, shard.out = shard.out, []
        self.metrics.batch_size.labels(STAGE).observe(len(events))
        if out:
            trace.lead(out)
            await self.emit(out)
            for item in out:
                self.metrics.records_out.labels(STAGE, item.topic).inc()
        if not self._owns(shard):
            return
        for _, states in groupby(shard.detector.changed(), key=_kind):
            # objects are confirmed before clocks are sent: a clock that came through where an object was
            # refused would make the object's redelivered mentions late
            for key, value in states:
                self.states.write(key, value)
            await self.states.flush()
        if self._owns(shard):
            for event in events:
                await acknowledge(event)

    def _owns(self, shard: Shard) -> bool:
        """False where the partition was revoked while a checkpoint waited for Kafka."""
        return self._shards.get(shard.detector.partition) is shard

    def _shard(self, partition: int) -> Shard:
        shard = self._shards.get(partition)
        if shard is None:
            shard = self._shards[partition] = Shard(self.new_detector(partition))
            shard.detector.load(self.states.items())
            for resolution, spike_id in shard.detector.open_spikes():
                self._open[resolution].add(spike_id)
            for resolution, known in self._open.items():
                self.metrics.spikes_open.labels(resolution).set(len(known))
        return shard

    def _dead(self, shard: Shard, record: Incoming, reason: Reason, detail: str) -> None:
        self.limit.give_up(reason, detail)
        log.warning("dead letter, %s: %s", reason, detail, extra=about(record))
        shard.out.append(dead_letter(record, STAGE, reason, detail, self.clock()))


def _kind(state: tuple[str, bytes]) -> str:
    """``object`` or ``clock``: the second part of a state's key."""
    return state[0].split("|", 2)[1]


def _require_year(moment: datetime) -> None:
    """Refuse event times whose buckets would end after the last year that a `datetime` can tell.

    Raises:
        InvalidRecord: it is one; such a record would end every worker that reads it.
    """
    if moment >= END_OF_TIME:
        raise InvalidRecord("implausible_time", f"dated {moment.isoformat()}")
