"""How far event time has come on a timeline: the minimum of its sources' promises over all raw partitions.

Used by `pipeline.core.detection`. Everything here is a function of each raw partition's own records in
their own order, so it does not depend on which partition is read faster, nor on redelivery.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.core.windows import HOUR, bucket, seconds
from schemas import Mention, Watermark
from schemas.base import LIVE

UNKNOWN: Final = -(2**62)
"""Before all time."""


@dataclass(slots=True)
class Promise:
    """The newest watermark of one agent in one raw partition."""

    watermark: int
    """Less the grace for late mentions."""
    final: bool
    stated_at: float
    """Kafka timestamp, seconds."""


@dataclass(slots=True)
class RawPartition:
    """One raw partition as a timeline's agents have promised on it."""

    offset: int = -1
    """Of the newest watermark."""
    newest: float = 0.0
    """Newest Kafka timestamp of a watermark, seconds."""
    reached: int = UNKNOWN
    """Mentions dated before it are late. It never goes back, also when a slower agent joins."""
    promises: dict[str, Promise] = field(default_factory=dict)

    def state(self, record: Watermark, offset: int, timestamp: float, idle: float, grace: int) -> None:
        """Take the next watermark of this partition; ``idle`` and ``grace`` in seconds."""
        promised = seconds(record.watermark) - grace
        if record.final and record.timeline != LIVE:
            # a file has ended: so has its last hour, and nobody has to be waited for
            promised = bucket(promised + grace, HOUR) + HOUR
        self.offset = offset
        self.newest = max(self.newest, timestamp)
        self.promises[record.agent] = Promise(promised, record.final, timestamp)
        awaited = [
            promise.watermark
            for promise in self.promises.values()
            if not promise.final and self.newest - promise.stated_at <= idle
        ]
        ended = max(promise.watermark for promise in self.promises.values())
        self.reached = max(self.reached, min(awaited, default=ended))


@dataclass(slots=True)
class TimelineClock:
    """Event time of one timeline, in seconds since 1970."""

    grace: int
    """Where no agent ever states a watermark: how far behind the newest mention buckets close."""
    late_grace: int = 0
    """How far behind what is promised a mention may be and still count."""
    partitions: int = 0
    """Raw partitions that the agents state their watermarks to."""
    base: int = UNKNOWN
    """What had been reached under an earlier incarnation of the broker."""
    newest: int = UNKNOWN
    """Newest event time of a mention, for timelines without watermarks."""
    foreign: bool = True
    """No agent has ever stated a watermark here."""
    enriched: tuple[int, int] = (-UNKNOWN, UNKNOWN)
    """First and last time of enrichment of a mention, for timelines without watermarks."""
    raw: dict[int, RawPartition] = field(default_factory=dict)

    def state(self, record: Watermark, timestamp: float, idle: float) -> bool:
        """Take a forwarded watermark; ``timestamp`` is its raw record's Kafka timestamp in seconds.

        Returns:
            False where it has been taken before (a redelivery).

        Raises:
            ValueError: the record has no origin.
        """
        if record.origin is None:
            raise ValueError(f"a watermark of {record.agent} in the mentions has no origin")
        partition = self.raw.setdefault(record.origin.partition, RawPartition())
        if record.origin.offset <= partition.offset:
            return False
        self.foreign = False
        self.partitions = max(self.partitions, record.partitions)
        partition.state(record, record.origin.offset, timestamp, idle, self.late_grace)
        return True

    def see(self, mention: Mention) -> bool:
        """Note a mention that was counted; False where that changes nothing, as watermarks tell the time."""
        if self.foreign:
            self.newest = max(self.newest, seconds(mention.created_at))
            now = seconds(mention.enriched_at)
            self.enriched = min(self.enriched[0], now), max(self.enriched[1], now)
        return self.foreign

    def late_before(self, raw_partition: int) -> int:
        """Mentions of this raw partition are late when dated before it."""
        partition = self.raw.get(raw_partition)
        return max(self.closed(), partition.reached if partition else UNKNOWN)

    def closed(self) -> int:
        """Every bucket that ends at or before it is closed.

        Without watermarks it is the newest mention less the grace, once that long has passed in enrichment
        without a watermark: an agent may publish some posts before it states its first one.
        """
        if self.foreign:
            waited = self.enriched[1] - self.enriched[0] >= self.grace
            return max(self.base, self.newest - self.grace) if waited else self.base
        reached = (self.raw[p].reached if p in self.raw else UNKNOWN for p in range(self.partitions))
        return max(self.base, min(reached, default=UNKNOWN))

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        raw = {
            number: [p.offset, p.newest, p.reached, {a: _values(x) for a, x in sorted(p.promises.items())}]
            for number, p in sorted(self.raw.items())
        }
        return [self.partitions, self.base, self.newest, self.foreign, list(self.enriched), raw]

    @classmethod
    def load(cls, values: list[Any], grace: int, late_grace: int = 0) -> TimelineClock:
        """Restore what `dump` gave, also after a way through JSON."""
        partitions, base, newest, foreign, (first, last), raw = values
        clock = cls(grace, late_grace, partitions, base, newest, foreign, (first, last))
        for number, (offset, stamp, reached, promises) in raw.items():
            held = {agent: Promise(*promise) for agent, promise in promises.items()}
            clock.raw[int(number)] = RawPartition(offset, stamp, reached, held)
        return clock

    def reincarnated(self) -> TimelineClock:
        """The clock under a new incarnation of the broker: offsets start again, event time does not."""
        return TimelineClock(
            self.grace,
            self.late_grace,
            base=self.closed(),
            newest=self.newest,
            foreign=self.foreign,
            enriched=self.enriched,
        )


def _values(promise: Promise) -> list[Any]:
    return [promise.watermark, promise.final, promise.stated_at]
