"""One object's past, judged bucket by bucket: scores, spikes, and what a chart needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from pipeline.backtest.counts import Bucket, Series
from pipeline.backtest.judging import Judge, LiveTracks, PlainCount
from pipeline.core import spikes
from pipeline.core.parameters import Parameters
from pipeline.core.severity import risen
from pipeline.core.windows import iso, seconds
from schemas import Spike
from schemas.spike import Resolution, Severity, Signal

OPEN: Final = -1


class Fired(NamedTuple):
    """A spike, as its events told of it; moments in seconds since 1970."""

    name: str
    signal: Signal
    severity: Severity
    """The highest that was told. Of counts alone the reach is unknown, so live it may be higher."""
    started: int
    """Start of the first bucket of the run."""
    opened: int
    """End of the bucket that opened it: when people would have been told."""
    resolved: int
    """End of the bucket that resolved it; `OPEN` where it was open at the end."""
    negatives: int
    expected: float
    total: int
    peak: float

    def ends(self, end: int) -> int:
        """When it ended; ``end`` where it was still open."""
        return end if self.resolved == OPEN else self.resolved

    def told(self, event: Spike) -> Fired:
        """The spike after a further event; of several runs, the counts of the one with most negatives."""
        higher = event.severity if risen(self.severity, event.severity) else self.severity
        later = self._replace(
            severity=higher, resolved=_second(event.resolved_at), peak=max(self.peak, event.peak_score)
        )
        if event.negatives < self.negatives:
            return later
        return later._replace(negatives=event.negatives, expected=event.expected_negatives, total=event.total)

    def as_json(self) -> dict[str, Any]:
        """The spike as ``molva backtest --json`` gives it; times in UTC."""
        return {
            "object": self.name,
            "signal": self.signal,
            "severity": self.severity,
            "started_at": iso(self.started),
            "opened_at": iso(self.opened),
            "resolved_at": None if self.resolved == OPEN else iso(self.resolved),
            "negatives": self.negatives,
            "expected_negatives": round(self.expected, 2),
            "total": self.total,
            "peak_score": round(self.peak, 2),
        }


class Judged(NamedTuple):
    """What was thought of one bucket."""

    start: int
    negative: int
    total: int
    expected: float
    """Negatives expected given the volume."""
    spread: float
    """Their variance beyond Poisson, in squares of ``expected``."""
    score: float


class Past(NamedTuple):
    """What became of one object."""

    name: str
    scores: list[float]
    """One per bucket without holes, from the first bucket with a mention to the end."""
    fired: list[Fired]
    judged: list[Judged]
    """Empty unless it was asked for."""
    open_at: float
    """The score that opened a spike."""


class _Walk:
    """A judge on its way over the series, and what it told."""

    def __init__(self, judge: Judge, p: Parameters, keep: bool) -> None:
        self._judge = judge
        self._p = p
        self._keep = keep
        self._fired: dict[str, Fired] = {}
        self.scores: list[float] = []
        self.judged: list[Judged] = []

    def judge(self, bucket: Bucket) -> None:
        """Judge one bucket."""
        before = self._judge.state
        score, events = self._judge.judge(bucket)
        for event in events:
            known = self._fired.get(event.id)
            self._fired[event.id] = _opened(event) if known is None else known.told(event)
        self.scores.append(score)
        if self._keep:
            e = spikes.expect(self._p, before, bucket.start, bucket.total - bucket.negative)
            self.judged.append(Judged(*bucket, e.given, e.spread, score))

    def pass_over(self, start: int, until: int) -> None:
        """Judge the empty buckets from ``start`` to ``until``; a dormant state stands still."""
        while start < until and not self._judge.resting:
            self.judge(Bucket(start, 0, 0))
            start += self._p.step
        self.scores.extend([0.0] * ((until - start) // self._p.step))

    def past(self, name: str) -> Past:
        """What has been found."""
        return Past(name, self.scores, list(self._fired.values()), self.judged, self._p.open_at)


def walk(series: Series, p: Parameters, resolution: Resolution, *, keep: bool = False) -> Past:
    """Judge a series from its first bucket with a mention to its end.

    Args:
        p: of `parameters`, or of `plain_parameters` for a plain series.
        keep: also keep what was thought of every bucket, for a chart.
    """
    judge: type[LiveTracks | PlainCount] = PlainCount if series.plain else LiveTracks
    walking = _Walk(judge(series.name, series.kind, p, resolution), p, keep)
    upcoming = series.buckets[0].start
    for bucket in series.buckets:
        walking.pass_over(upcoming, bucket.start)
        walking.judge(bucket)
        upcoming = bucket.start + p.step
    walking.pass_over(upcoming, series.end)
    return walking.past(series.name)


def _opened(event: Spike) -> Fired:
    return Fired(
        event.object_id,
        event.signal,
        event.severity,
        seconds(event.started_at),
        seconds(event.opened_at),
        _second(event.resolved_at),
        event.negatives,
        event.expected_negatives,
        event.total,
        event.peak_score,
    )


def _second(moment: datetime | None) -> int:
    return OPEN if moment is None else seconds(moment)
