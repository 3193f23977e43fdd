"""Detection's state of one object on one timeline: pending buckets, detectors, what has been told.

`pipeline.core.detection` absorbs mentions into it and closes its buckets; its bytes are one value of the
state table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, Self

from pipeline.core.background import Background
from pipeline.core.cold_start import NOTHING, Taught
from pipeline.core.dimensions import WHOLE, slices
from pipeline.core.episodes import Subject
from pipeline.core.pending import REMEMBERED, Content, Pending, open_step
from pipeline.core.tally import Tally, fingerprint
from pipeline.core.track import NegativityTrack
from pipeline.core.tracks import Rules, Tracks
from pipeline.core.windows import DAY, HOUR, MINUTES_5, bucket, seconds
from schemas import Mention, Spike
from schemas.mention import ObjectKind
from schemas.spike import Resolution

Verdict = Literal["counted", "behind", "late", "past", "duplicate", "own"]
NEVER: Final = 2**62
RESOLUTIONS: Final[tuple[Resolution, ...]] = ("5m", "1h", "1d")


class ObjectState:
    """Everything that detection knows of one object on one timeline."""

    __slots__ = (
        "absorbed",
        "background",
        "day",
        "due",
        "hour",
        "kind",
        "name",
        "pending",
        "position",
        "taught",
        "timeline",
        "tracks",
    )

    def __init__(
        self, timeline: str, name: str, kind: ObjectKind, tracks: dict[Resolution, Tracks] | None = None
    ) -> None:
        self.timeline = timeline
        self.name = name
        self.kind: ObjectKind = kind
        self.absorbed: dict[int, int] = {}
        """Last raw offset that was absorbed, by raw partition."""
        self.pending = Pending()
        self.due = 0
        """No bucket that ends before it has to be judged; as of the last `close`, 0 after any `absorb`."""
        self.position: int | None = None
        """Every 5-minute bucket before it has been judged; None: no bucket has been."""
        self.hour = Content()
        """The closed 5-minute buckets of the hour that is not closed yet."""
        self.day = Content()
        """The closed hours of the day that is not closed yet."""
        self.background = Background()
        """What is usually said of the object, by its closed hours."""
        self.tracks = tracks or {resolution: Tracks() for resolution in RESOLUTIONS}
        self.taught: dict[Resolution, Taught] = {}

    @classmethod
    def new(cls, timeline: str, name: str, kind: ObjectKind, rules: Rules) -> Self:
        """That of an object of which nothing is known but its kind."""
        tracks = {each: Tracks.expecting(kind, rules.parameters(name, each)) for each in RESOLUTIONS}
        return cls(timeline, name, kind, tracks)

    @property
    def judged_from(self) -> int | None:
        """Start of the oldest 5-minute bucket that is still to be judged; None: no mention has come."""
        if self.position is not None:
            return self.position
        end = self.pending.first_end()
        return None if end is None else end - MINUTES_5

    def absorb(self, mention: Mention, late_before: int, rules: Rules) -> Verdict:
        """Count a mention in its bucket; ``late_before`` in seconds since 1970.

        Returns:
            ``behind``: too late for its 5 minutes, but in its hour or day; ``late``: too late for all;
            ``past``: the same of a version after an edit, with which nobody is late.
        """
        origin, second = mention.origin, seconds(mention.created_at)
        if origin.offset <= self.absorbed.get(origin.partition, -1):
            return "duplicate"
        self.absorbed[origin.partition] = origin.offset
        self.due = 0
        over = self.taught.get("5m", NOTHING).until if self.position is None else self.position
        late_before = max(late_before, over)
        step, post = open_step(second, late_before), fingerprint(mention.post_id)
        tardy = not mention.revision  # an edit comes when it comes: nobody is late with it
        if tardy and step not in (MINUTES_5, HOUR):
            self.pending.miss(second, late_before, step)  # copies, too: the day may not remember them all
        if step is None:
            return "late" if tardy else "past"
        if self._holds(step, second, post):
            return "duplicate"
        if tardy and step == HOUR:
            self.pending.miss(second, late_before, step)
        self.pending.add(step, mention, second, post, slices(mention, rules.dimensions))
        return "counted" if step == MINUTES_5 else "behind"

    def _holds(self, step: int, second: int, post: int) -> bool:
        if self.pending.holds(step, second, post):
            return True
        if step == MINUTES_5 or self.position is None:
            return False
        start, now = bucket(second, step), self.position - 1
        in_hour = post in self.hour.seen and start <= bucket(now, HOUR) < start + step
        return in_hour or (step == DAY and post in self.day.seen and start == bucket(now, DAY))

    def close(self, rules: Rules, until: int) -> Iterator[Spike]:
        """Close every bucket that ends at or before ``until``; what cannot change anything yet is put off.

        An object without a spike, evidence or mentions stands still; the empty buckets are judged when its
        next mention's bucket closes, until the detectors are dormant (`_pass_over`). One with mentions but
        without evidence at 5 minutes goes on hour by hour.
        """
        while (due := self._next_due()) <= until:
            if self.position is None:
                self.position = due - MINUTES_5
            while self.position < due:
                self.position = self._pass_over(rules, self.position, due - MINUTES_5)
                yield from self._close_next(rules, self.position)
        self.due = due
        if self._at_rest():
            self.pending.take_late(until - MINUTES_5)  # no run was there that it could belong to

    def _next_due(self) -> int:
        """End of the next bucket that has to be judged when it ends."""
        end = self.pending.first_end()
        if self.position is None or self._at_rest():
            return NEVER if end is None else end
        busy = not self.tracks["5m"].idle
        own = self.position + MINUTES_5 if busy else bucket(self.position, HOUR) + HOUR
        return own if end is None else min(own, end)

    def _at_rest(self) -> bool:
        return not (self.hour.tallies or self.day.tallies) and all(each.idle for each in self.tracks.values())

    def _pass_over(self, rules: Rules, position: int, last: int) -> int:
        """The next 5-minute bucket from ``position`` to ``last`` that changes anything.

        At rest nothing is pending before ``last``. Dormant detectors of 5 minutes leave the last bucket of
        each hour, which closes it, and those of hours the last of each day; the background learns the hours.
        """
        if not self._at_rest() or not self._dormant(rules, "5m"):
            return position
        if not self._dormant(rules, "1h"):
            return min(last, bucket(position, HOUR) + HOUR - MINUTES_5)
        if self._dormant(rules, "1d"):
            return max(position, bucket(last, HOUR))
        following = min(last, bucket(position, DAY) + DAY - MINUTES_5)
        if not self.tracks["1h"].frozen:
            for _ in range(bucket(position, HOUR), bucket(following, HOUR), HOUR):
                self.background.learn(Tally())
        return following

    def _dormant(self, rules: Rules, resolution: Resolution) -> bool:
        return self.tracks[resolution].dormant(rules.parameters(self.name, resolution))

    def _close_next(self, rules: Rules, start: int) -> Iterator[Spike]:
        content = self.pending.take(MINUTES_5, start)
        self.position = end = start + MINUTES_5
        if self.pending.late:
            late = self.pending.take_late(start)
            for resolution, tracks in self.tracks.items():
                tracks.miss(resolution, late)
        self.hour.merge(content)
        yield from self._judge(rules, "5m", start, content)
        if end % HOUR == 0:
            yield from self._close_hour(rules, end - HOUR)
        if end % DAY == 0:
            yield from self._close_day(rules, end - DAY)

    def _close_hour(self, rules: Rules, start: int) -> Iterator[Spike]:
        hour, self.hour = self.hour, Content()
        hour.merge(self.pending.take(HOUR, start))
        yield from self._judge(rules, "1h", start, hour)
        if not self.tracks["1h"].frozen:
            self.background.learn(hour.whole)
        self.day.merge(hour)
        self.day.seen = set(sorted(self.day.seen)[: REMEMBERED + 1])

    def _close_day(self, rules: Rules, start: int) -> Iterator[Spike]:
        day, self.day = self.day, Content()
        behind = self.pending.take(DAY, start)
        if len(day.seen) <= REMEMBERED:
            day.merge(behind)
        yield from self._judge(rules, "1d", start, day)

    def _judge(self, rules: Rules, resolution: Resolution, start: int, content: Content) -> Iterator[Spike]:
        subject = Subject(self.name, self.kind, self.timeline, resolution)
        return self.tracks[resolution].close(rules, subject, start, content, self.background)

    def dump(self, cluster: str) -> bytes:
        """The value of the state table; the same state always gives the same bytes."""
        document = {
            "version": 2,
            "cluster": cluster,
            "timeline": self.timeline,
            "object": self.name,
            "kind": self.kind,
            "absorbed": self.absorbed,
            "pending": self.pending.dump(),
            "position": self.position,
            "hour": self.hour.dump(),
            "day": self.day.dump(),
            "background": self.background.dump(),
            "taught": self.taught,
            "tracks": {resolution: tracks.dump() for resolution, tracks in self.tracks.items()},
        }
        return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def load(cls, value: bytes, cluster: str) -> ObjectState:
        """Restore what `dump` gave, also version 1; another broker incarnation forgets the raw offsets."""
        document = json.loads(value)
        state = cls(document["timeline"], document["object"], document["kind"])
        if document["cluster"] == cluster:
            state.absorbed = {int(number): offset for number, offset in document["absorbed"].items()}
        state.position = document["position"]
        if document.get("version", 1) == 1:
            state._load_version_1(document)
            return state
        state.pending = Pending.load(document["pending"])
        state.hour, state.day = Content.load(document["hour"]), Content.load(document["day"])
        state.background = Background.load(document["background"])
        state.taught = {name: Taught(*fields) for name, fields in document.get("taught", {}).items()}
        state.tracks = {name: Tracks.load(tracks) for name, tracks in document["tracks"].items()}
        return state

    def _load_version_1(self, document: dict[str, Any]) -> None:
        """5 minutes and 1 hour, the whole object only, no background."""
        for start, tally, seen in document["pending"]:
            self.pending.buckets[start] = Content({WHOLE: Tally.load(tally)}, seen)
        if (hour := Tally.load(document["hour"])).total:
            self.hour = Content({WHOLE: hour})
        for name, track in document["tracks"].items():
            self.tracks[name] = Tracks(NegativityTrack.load(track))
