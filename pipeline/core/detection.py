"""The detection stage without its wiring: mentions and watermarks of one partition in, spike events out.

A deterministic, synchronous stream operator over one partition of ``molva.mentions``; the Faust stage feeds
it, keeps its states in a table and sends its events. See docs/detector.md, "In the stream".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from pipeline.core.baselines import Outcome, learn
from pipeline.core.episodes import Subject
from pipeline.core.object_state import RESOLUTIONS, ObjectState, Verdict
from pipeline.core.parameters import Parameters, parameters
from pipeline.core.tracks import ALIKE, Rules
from pipeline.core.watermarks import UNKNOWN, TimelineClock
from pipeline.core.windows import MINUTES_5, bucket, moment
from schemas import Baseline, Mention, Spike, Watermark
from schemas.spike import Dimension, Resolution

GRACE: Final = timedelta(hours=1)
"""How far behind the newest mention buckets close where no agent states watermarks."""
PARAMETERS: Final[Mapping[Resolution, Parameters]] = {name: parameters(name) for name in RESOLUTIONS}


class PartitionDetector:
    """Detection over one partition of ``molva.mentions``.

    The owner feeds records in partition order. Now and then (after a watermark, or every so many
    mentions) it (1) sends the spikes and has them confirmed, (2) writes `changed` to the table in the
    order given, (3) acknowledges the records. A crash between any two of these redelivers the records:
    what the states have absorbed is skipped, and what is emitted again is the same event, byte for byte.

    Args:
        partition: number of the mentions partition; a part of the states' keys.
        cluster: id of the broker incarnation that the raw offsets belong to.
        source_idle: a source that has stated no watermark for this long, by the Kafka timestamps of
            other sources' watermarks in the same raw partition, is not waited for.
        late_grace: how far behind its watermark a mention may be and still count in its bucket; buckets
            close, and spikes are told, that much later. (Hours and days wait for late mentions anyway,
            until they close.)
        grace: how far behind the newest mention buckets close where no agent states watermarks.
        dimensions: what objects are sliced by.
        open_at: thresholds of single objects, by id and resolution. They are no part of the states: they may
            change from run to run.
    """

    def __init__(
        self,
        partition: int,
        cluster: str,
        *,
        source_idle: timedelta,
        late_grace: timedelta = timedelta(),
        grace: timedelta = GRACE,
        dimensions: Collection[Dimension] = (),
        parameters: Mapping[Resolution, Parameters] = PARAMETERS,
        open_at: Mapping[tuple[str, Resolution], float] = ALIKE,
    ) -> None:
        self.partition = partition
        self.cluster = cluster
        self._idle = source_idle.total_seconds()
        self._grace = int(grace.total_seconds())
        self._late_grace = int(late_grace.total_seconds())
        self._rules = Rules(parameters, tuple(dimensions), open_at)
        self._clocks: dict[str, TimelineClock] = {}
        self._objects: dict[str, dict[str, ObjectState]] = {}
        self._closed: dict[str, int] = {}
        self._dirty_objects: set[tuple[str, str]] = set()
        self._dirty_clocks: set[str] = set()

    def load(self, states: Iterable[tuple[str, bytes]]) -> None:
        """Take over the states of this partition; keys of other partitions are passed over."""
        for key, value in states:
            if key.startswith(f"{self.partition}|clock|"):
                timeline, clock = self._load_clock(value)
                self._clocks[timeline] = clock
            elif key.startswith(f"{self.partition}|object|"):
                state = ObjectState.load(value, self.cluster)
                self._objects.setdefault(state.timeline, {})[state.name] = state

    def absorb(self, mention: Mention) -> Verdict:
        """Take a mention: count it in its pending bucket, or say why not.

        ``own`` (the object itself speaks) counts neither as negative nor as volume. ``duplicate``: seen
        before, by raw offset or by post id, which all versions of a post share: the first that mentions the
        object counts, where its post stands in time. ``behind``: its 5-minute bucket is over, but it counts
        in its hour or day. ``late``: they are over, too; it is not judged. ``past``: the same of a version
        after an edit, with which nobody is late, whether the post was counted before or not.
        """
        if mention.own:
            return "own"
        clock = self._clock(mention.timeline)
        objects = self._objects.setdefault(mention.timeline, {})
        state = objects.get(mention.object_id)
        fresh = state or ObjectState.new(
            mention.timeline, mention.object_id, mention.object_kind, self._rules
        )
        verdict = fresh.absorb(mention, clock.late_before(mention.origin.partition), self._rules)
        if verdict in ("counted", "behind"):
            objects[mention.object_id] = fresh
        if mention.object_id in objects:
            self._dirty_objects.add((mention.timeline, mention.object_id))
        if verdict == "counted" and clock.see(mention):
            self._dirty_clocks.add(mention.timeline)
        return verdict

    def learn(self, past: Baseline) -> dict[Resolution, Outcome]:
        """Take an object's past, where it is not known yet or still young; what became of each resolution.

        No spike is told: what the past holds is over.
        """
        objects = self._objects.setdefault(past.timeline, {})
        state = objects.get(past.object_id)
        if state is None:
            state = ObjectState.new(past.timeline, past.object_id, past.object_kind, self._rules)
        outcomes = learn(state, past, self._rules)
        if "learned" in outcomes.values():
            objects[past.object_id] = state
            self._dirty_objects.add((past.timeline, past.object_id))
        return outcomes

    def advance(self, record: Watermark, timestamp: datetime) -> list[Spike]:
        """Take a forwarded watermark and close the buckets that all sources have passed.

        Args:
            record: with its origin.
            timestamp: Kafka timestamp of the raw record (enrichment forwards it unchanged).

        Raises:
            ValueError: the record has no origin.
        """
        if self._clock(record.timeline).state(record, timestamp.timestamp(), self._idle):
            self._dirty_clocks.add(record.timeline)
        return self._close(record.timeline)

    def catch_up(self) -> list[Spike]:
        """Close what can be closed on timelines on which no agent states watermarks.

        There, after an hour of enrichment without one, the newest mention less an hour stands in for a
        watermark; the result then depends on the order in which partitions are read.
        """
        foreign = sorted(timeline for timeline, clock in self._clocks.items() if clock.foreign)
        return [spike for timeline in foreign for spike in self._close(timeline)]

    def closed(self, timeline: str) -> datetime | None:
        """Event time up to which buckets are closed; None before the first."""
        second = self._clock(timeline).closed()
        return None if second == UNKNOWN else moment(second)

    def open_spikes(self) -> Iterator[tuple[Resolution, str]]:
        """Resolutions and ids of the spikes that have been told of and have not ended."""
        for state in (state for objects in self._objects.values() for state in objects.values()):
            for resolution, tracks in state.tracks.items():
                subject = Subject(state.name, state.kind, state.timeline, resolution)
                for spike_id in tracks.open_spikes(subject):
                    yield resolution, spike_id

    def changed(self) -> list[tuple[str, bytes]]:
        """States that changed since the last call: objects first, clocks last.

        That order matters: a clock must never be ahead of an object, or redelivered mentions of the
        object would look late.
        """
        states = []
        for timeline, name in sorted(self._dirty_objects):
            state = self._objects[timeline][name]
            states.append((f"{self.partition}|object|{timeline}|{name}", state.dump(self.cluster)))
        for timeline in sorted(self._dirty_clocks):
            document = [self.cluster, timeline, self._clocks[timeline].dump()]
            value = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
            states.append((f"{self.partition}|clock|{timeline}", value))
        self._dirty_objects.clear()
        self._dirty_clocks.clear()
        return states

    def _close(self, timeline: str) -> list[Spike]:
        until = bucket(self._clocks[timeline].closed(), MINUTES_5)
        if self._closed.get(timeline) == until:
            return []
        self._closed[timeline] = until
        spikes: list[Spike] = []
        for name, state in self._objects.get(timeline, {}).items():
            if state.due > until:
                continue
            before = state.position
            spikes += state.close(self._rules, until)
            if state.position != before:
                self._dirty_objects.add((timeline, name))
        return sorted(spikes, key=lambda spike: (spike.updated_at, spike.id, spike.revision))

    def _clock(self, timeline: str) -> TimelineClock:
        return self._clocks.setdefault(timeline, TimelineClock(self._grace, self._late_grace))

    def _load_clock(self, value: bytes) -> tuple[str, TimelineClock]:
        cluster, timeline, values = json.loads(value)
        clock = TimelineClock.load(values, self._grace, self._late_grace)
        return timeline, clock if cluster == self.cluster else clock.reincarnated()
