"""Detection's state of one object on one timeline: pending buckets, two detectors, what has been told.

`pipeline.core.detection` absorbs mentions into it and closes its buckets; its bytes are one value of the
state table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pipeline.core import spike_state, spikes
from pipeline.core.episodes import Episode, Subject, follow
from pipeline.core.parameters import Parameters
from pipeline.core.spike_state import State
from pipeline.core.tally import Tally, fingerprint
from pipeline.core.windows import HOUR, MINUTES_5, bucket, seconds
from schemas import Mention, Spike
from schemas.mention import ObjectKind
from schemas.spike import Resolution

Verdict = Literal["counted", "late", "duplicate", "own"]


class Track:
    """One resolution: the detector, the run's tally, and what has been told of the open spike."""

    __slots__ = ("episode", "run", "state")

    def __init__(
        self, state: State | None = None, run: Tally | None = None, told: Episode | None = None
    ) -> None:
        self.state = state or State()
        self.run = run or Tally()
        self.episode = told

    def close(self, p: Parameters, subject: Subject, start: int, tally: Tally) -> Spike | None:
        """Judge the bucket that starts at ``start``."""
        old = self.state
        self.state, score = spikes.update(p, old, start, tally.negatives, tally.total)
        if self.state is old:  # dormant
            return None
        if old.idle:
            self.run = Tally()
        if tally.total:
            self.run.merge(tally)
        self.episode, event = follow(subject, self.episode, old, self.state, start, score, self.run)
        if self.state.idle:
            self.run = Tally()
        return event

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        return [spike_state.dump(self.state), self.run.dump(), self.episode]

    @classmethod
    def load(cls, values: list[Any]) -> Track:
        """Restore what `dump` gave, also after a way through JSON."""
        state, run, told = values
        return cls(spike_state.load(state), Tally.load(run), Episode(*told) if told else None)


class ObjectState:
    """Everything that detection knows of one object on one timeline."""

    __slots__ = ("absorbed", "hour", "kind", "name", "pending", "position", "seen", "timeline", "tracks")

    def __init__(self, timeline: str, name: str, kind: ObjectKind) -> None:
        self.timeline = timeline
        self.name = name
        self.kind: ObjectKind = kind
        self.absorbed: dict[int, int] = {}
        """Last raw offset that was absorbed, by raw partition."""
        self.pending: dict[int, Tally] = {}
        """5-minute buckets that are not closed yet, by start."""
        self.seen: dict[int, set[int]] = {}
        """Fingerprints of the posts in them."""
        self.position: int | None = None
        """Every 5-minute bucket before it has been judged; None: no bucket has been."""
        self.hour = Tally()
        """The closed 5-minute buckets of the hour that is not closed yet."""
        self.tracks: dict[Resolution, Track] = {"5m": Track(), "1h": Track()}

    def absorb(self, mention: Mention, late_before: int) -> Verdict:
        """Count a mention in its bucket; ``late_before`` in seconds since 1970."""
        origin, second = mention.origin, seconds(mention.created_at)
        if origin.offset <= self.absorbed.get(origin.partition, -1):
            return "duplicate"
        if second < late_before or (self.position is not None and second < self.position):
            return "late"
        self.absorbed[origin.partition] = origin.offset
        start, post = bucket(second, MINUTES_5), fingerprint(mention.post_id)
        seen = self.seen.setdefault(start, set())
        if post in seen:
            return "duplicate"
        seen.add(post)
        self.pending.setdefault(start, Tally()).add(mention)
        return "counted"

    def close(self, parameters: Mapping[Resolution, Parameters], until: int) -> Iterator[Spike]:
        """Close every bucket that ends at or before ``until``; what cannot change anything yet is put off.

        An object without a spike, evidence or mentions stands still; the empty buckets are judged when its
        next mention's bucket closes, a week of them at most: the detector is dormant then.
        """
        upcoming = iter(sorted(self.pending))
        target = next(upcoming, None)
        if self.position is None and target is not None and target + MINUTES_5 <= until:
            self.position = target
        while self.position is not None and self.position + MINUTES_5 <= until:
            if target is None or target + MINUTES_5 > until:
                if self._at_rest():
                    return
            elif self._dormant(parameters):
                self.position = max(self.position, bucket(target, HOUR))
            if target == self.position:
                target = next(upcoming, None)
            yield from self._close_next(parameters, self.position)

    def _at_rest(self) -> bool:
        return self.hour.total == 0 and all(track.state.idle for track in self.tracks.values())

    def _dormant(self, parameters: Mapping[Resolution, Parameters]) -> bool:
        return self._at_rest() and all(
            track.state.silent >= parameters[resolution].dormant for resolution, track in self.tracks.items()
        )

    def _close_next(self, parameters: Mapping[Resolution, Parameters], start: int) -> Iterator[Spike]:
        tally = self.pending.pop(start, None) or Tally()
        self.seen.pop(start, None)
        self.position = start + MINUTES_5
        if tally.total:
            self.hour.merge(tally)
        events = [self._judge(parameters, "5m", start, tally)]
        if self.position % HOUR == 0:
            events.append(self._judge(parameters, "1h", self.position - HOUR, self.hour))
            self.hour = Tally()
        yield from filter(None, events)

    def _judge(
        self, parameters: Mapping[Resolution, Parameters], resolution: Resolution, start: int, tally: Tally
    ) -> Spike | None:
        subject = Subject(self.name, self.kind, self.timeline, resolution)
        return self.tracks[resolution].close(parameters[resolution], subject, start, tally)

    def dump(self, cluster: str) -> bytes:
        """The value of the state table; the same state always gives the same bytes."""
        document = {
            "cluster": cluster,
            "timeline": self.timeline,
            "object": self.name,
            "kind": self.kind,
            "absorbed": self.absorbed,
            "pending": [[b, t.dump(), sorted(self.seen[b])] for b, t in sorted(self.pending.items())],
            "position": self.position,
            "hour": self.hour.dump(),
            "tracks": {resolution: track.dump() for resolution, track in self.tracks.items()},
        }
        return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def load(cls, value: bytes, cluster: str) -> ObjectState:
        """Restore what `dump` gave; under another broker incarnation the raw offsets are forgotten."""
        document = json.loads(value)
        state = cls(document["timeline"], document["object"], document["kind"])
        if document["cluster"] == cluster:
            state.absorbed = {int(number): offset for number, offset in document["absorbed"].items()}
        for start, tally, seen in document["pending"]:
            state.pending[start] = Tally.load(tally)
            state.seen[start] = set(seen)
        state.position = document["position"]
        state.hour = Tally.load(document["hour"])
        state.tracks = {name: Track.load(track) for name, track in document["tracks"].items()}
        return state
