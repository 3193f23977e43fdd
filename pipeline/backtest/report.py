"""What would have fired in a period: spikes, how often, how long, and a threshold that suits each object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.backtest.counts import Counts, Period, Series
from pipeline.backtest.walk import Fired, Past, walk
from pipeline.core.parameters import Parameters
from pipeline.core.sensitivity import suggest
from pipeline.core.windows import DAY, HOUR, iso
from schemas.spike import Resolution

WEEK: Final = 7 * DAY
FEWEST_DAYS: Final = 14
"""Days of an object before a threshold is suggested for it."""
ALIKE: Final[Mapping[str, float]] = {}
"""Every object opens at the parameters' threshold."""


@dataclass(frozen=True)
class ObjectReport:
    """One object's period; ``since`` and ``until`` in seconds since 1970."""

    name: str
    since: int
    until: int
    mentions: int
    negatives: int
    fired: tuple[Fired, ...]
    open_at: float
    """The score that opened a spike."""
    suggested: float | None
    """The threshold (``open_at``) of about one false alarm a month (or as asked); None: unknown.
    Plain counts have none: their threshold adapts by itself."""

    @property
    def weeks(self) -> float:
        """Length of the period in weeks."""
        return (self.until - self.since) / WEEK

    @property
    def hours_in_alert(self) -> float:
        """Hours of the period in which a spike was open."""
        return sum(spike.ends(self.until) - spike.opened for spike in self.fired) / HOUR


@dataclass(frozen=True)
class Report:
    """All objects of a period."""

    resolution: Resolution
    objects: tuple[ObjectReport, ...]

    @property
    def fired(self) -> list[Fired]:
        """All spikes in the order in which they opened."""
        return sorted(
            (spike for one in self.objects for spike in one.fired), key=lambda s: (s.opened, s.name)
        )

    @property
    def weeks(self) -> float:
        """Object-weeks."""
        return sum(one.weeks for one in self.objects)

    @property
    def per_week(self) -> float:
        """Spikes per object-week."""
        return len(self.fired) / self.weeks if self.weeks else 0.0

    @property
    def hours_in_alert(self) -> float:
        """Hours in which a spike was open, added up over the objects."""
        return sum(one.hours_in_alert for one in self.objects)

    def as_json(self) -> dict[str, Any]:
        """The document of ``molva backtest --json``; times in UTC, rates per object-week."""
        return {
            "resolution": self.resolution,
            "object_weeks": round(self.weeks, 2),
            "spikes_per_object_week": round(self.per_week, 4),
            "hours_in_alert": round(self.hours_in_alert, 2),
            "spikes": [spike.as_json() for spike in self.fired],
            "objects": [_object_json(one) for one in self.objects],
        }


def report_of(
    series: Series, past: Past, period: Period, p: Parameters, per_days: float | None
) -> ObjectReport | None:
    """What became of one object within the period; None where it had no bucket in it.

    Args:
        per_days: days in which one false alarm is accepted; None: no threshold is suggested.
    """
    first = series.buckets[0].start
    since = first if period.since is None else max(first, period.since)
    if since >= series.end:
        return None
    inside = [bucket for bucket in series.buckets if bucket.start >= since]
    scores = past.scores[(since - first + p.step - 1) // p.step :]
    suggested = None
    if per_days is not None and not series.plain and len(scores) * p.step >= FEWEST_DAYS * DAY:
        suggested = suggest(scores, DAY // p.step, per_days)
    return ObjectReport(
        series.name,
        since,
        series.end,
        sum(bucket.total for bucket in inside),
        sum(bucket.negative for bucket in inside),
        tuple(spike for spike in past.fired if spike.opened - p.step >= since),
        past.open_at,
        suggested,
    )


def report(
    counts: Counts, p: Parameters, per_days: float | None, pasts: Iterable[tuple[Series, Past]]
) -> Report:
    """The report of objects that have been judged (`walks`)."""
    found = (report_of(series, past, counts.period, p, per_days) for series, past in pasts)
    return Report(counts.resolution, tuple(one for one in found if one is not None))


def walks(
    all_series: Sequence[Series],
    p: Parameters,
    resolution: Resolution,
    *,
    open_at: Mapping[str, float] = ALIKE,
    keep: bool = False,
) -> Iterator[tuple[Series, Past]]:
    """Judge the objects one by one.

    Args:
        open_at: thresholds of single objects, in place of that of ``p``.
    """
    for series in all_series:
        own = replace(p, open_at=open_at.get(series.name, p.open_at))
        yield series, walk(series, own, resolution, keep=keep)


def _object_json(one: ObjectReport) -> dict[str, Any]:
    return {
        "object": one.name,
        "since": iso(one.since),
        "until": iso(one.until),
        "mentions": one.mentions,
        "negatives": one.negatives,
        "spikes": len(one.fired),
        "spikes_per_week": round(len(one.fired) / one.weeks, 4) if one.weeks else 0.0,
        "hours_in_alert": round(one.hours_in_alert, 2),
        "open_at": one.open_at,
        "suggested_open_at": one.suggested,
    }
