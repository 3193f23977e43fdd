"""The two detectors that a past can be judged by: the tracks of the live stage, and that of plain counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipeline.backtest.counts import Bucket
from pipeline.core import plain
from pipeline.core.background import Background
from pipeline.core.cold_start import expected_of
from pipeline.core.dimensions import WHOLE
from pipeline.core.episodes import Episode, Subject, follow
from pipeline.core.parameters import Parameters
from pipeline.core.pending import Content
from pipeline.core.spike_state import State
from pipeline.core.tally import Tally
from pipeline.core.track import NegativityTrack
from pipeline.core.tracks import Rules, Tracks
from schemas import Spike
from schemas.base import LIVE
from schemas.mention import ObjectKind
from schemas.spike import Resolution


class Verdict(NamedTuple):
    """What became of a bucket."""

    score: float
    events: Sequence[Spike]


class Judge(Protocol):
    """A detector of one object at one resolution."""

    @property
    def state(self) -> State:
        """What the negativity detector has learned."""

    @property
    def resting(self) -> bool:
        """True where further empty buckets change nothing."""

    def judge(self, bucket: Bucket) -> Verdict:
        """Judge the next bucket; they come without holes."""


class LiveTracks:
    """The tracks of live detection, fed with counts: nothing is known of authors, words or sources."""

    def __init__(self, name: str, kind: ObjectKind, p: Parameters, resolution: Resolution) -> None:
        self._p = p
        self._rules = Rules({resolution: p})
        self._subject = Subject(name, kind, LIVE, resolution)
        self._whole = _Whole(expected_of(kind, p))
        self._tracks = Tracks(self._whole)
        self._background = Background()

    @property
    def state(self) -> State:
        return self._whole.state

    @property
    def resting(self) -> bool:
        return self._tracks.idle and self._tracks.dormant(self._p)

    def judge(self, bucket: Bucket) -> Verdict:
        tally = Tally()
        tally.negatives, tally.total = bucket.negative, bucket.total
        content = Content({WHOLE: tally})
        closing = self._tracks.close(self._rules, self._subject, bucket.start, content, self._background)
        events = list(closing)
        return Verdict(self._whole.score, events)


class _Whole(NegativityTrack):
    """The negativity detector, whose score stays to be read once a bucket is judged."""

    __slots__ = ("score",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.score = 0.0

    def advance(self, p: Parameters, resolution: Resolution, start: int, tally: Tally) -> None:
        super().advance(p, resolution, start, tally)
        self.score = self.seen.score if self.seen else 0.0


class PlainCount:
    """The detector of ``molva detect`` for a series that has no total: `pipeline.core.plain`.

    Args:
        p: made by `plain.plain_parameters`.
    """

    def __init__(self, name: str, kind: ObjectKind, p: Parameters, resolution: Resolution) -> None:
        self._p = p
        self._subject = Subject(name, kind, LIVE, resolution)
        self._plain = plain.PlainState()
        self._episode: Episode | None = None

    @property
    def state(self) -> State:
        return self._plain.detector

    @property
    def resting(self) -> bool:
        return self._plain.judged.silent >= self._p.dormant and self._plain.judged.idle

    def judge(self, bucket: Bucket) -> Verdict:
        old = self._plain.judged
        self._plain, score = plain.update(self._p, self._plain, bucket.start, bucket.total)
        new = self._plain.judged
        self._episode, event = follow(self._subject, self._episode, old, new, bucket.start, score, Tally())
        return Verdict(score, [event] if event else [])
