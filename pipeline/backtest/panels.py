"""What a chart draws of each object: counts, expectation with its interval, score, spikes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.backtest.counts import Period, Series
from pipeline.backtest.walk import Fired, Judged, Past
from pipeline.core import spikes
from pipeline.core.parameters import Parameters


class Panel(NamedTuple):
    """One object's curves, one value per bucket; times in seconds since 1970."""

    name: str
    step: int
    end: int
    open_at: float
    starts: list[int]
    negatives: list[int]
    totals: list[int]
    expected: list[float]
    low: list[float]
    high: list[float]
    """``low`` to ``high``: the central 95 % of negatives that were expected given the volume."""
    scores: list[float]
    fired: list[Fired]


def panels(pasts: Iterable[tuple[Series, Past]], period: Period, p: Parameters) -> list[Panel]:
    """Panels of the objects that have buckets in the period, those with most spikes first."""
    found = []
    for series, past in pasts:
        judged = [one for one in past.judged if period.since is None or one.start >= period.since]
        if judged:
            fired = [spike for spike in past.fired if spike.opened - p.step >= judged[0].start]
            found.append(_panel(series, judged, fired, p.step, past.open_at))
    return sorted(found, key=lambda panel: (-len(panel.fired), panel.name))


def _panel(series: Series, judged: list[Judged], fired: list[Fired], step: int, open_at: float) -> Panel:
    intervals = [spikes.interval(one.expected, one.spread) for one in judged]
    return Panel(
        series.name,
        step,
        series.end,
        open_at,
        [one.start for one in judged],
        [one.negative for one in judged],
        [one.total for one in judged],
        [one.expected for one in judged],
        [low for low, _ in intervals],
        [high for _, high in intervals],
        [one.score for one in judged],
        fired,
    )
