"""An object's past, from counts to detectors: makes `Baseline` records, and starts tracks anew with them.

``molva backfill`` makes one from past posts; `pipeline.core.detection` gives it to the object's state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pipeline.core.cold_start import NOTHING, Taught, backfilled, expected_of
from pipeline.core.expectation import expect
from pipeline.core.object_state import RESOLUTIONS, ObjectState
from pipeline.core.parameters import Parameters
from pipeline.core.tracks import Rules, Tracks
from pipeline.core.windows import DAY, HOUR, STEPS, bucket, moment, seconds
from schemas.baseline import Baseline, BaselineCounts
from schemas.mention import ObjectKind
from schemas.spike import Resolution

Outcome = Literal["learned", "repeated", "old", "open", "empty"]
"""``repeated``: this very baseline was learned before. ``old``: more live buckets than a warm-up were judged.
``open``: a spike is open. ``empty``: no whole bucket ends before live judging began."""

KEPT_DAYS: Final[Mapping[Resolution, int]] = {"5m": 28, "1h": 84, "1d": 366}
"""How far back counts are worth keeping: some half-lives of what is learned."""

Cells = Mapping[int, tuple[int, int]]
"""Start of a 5-minute bucket, seconds since 1970 -> negatives, mentions."""


def baseline(
    object_id: str, kind: ObjectKind, timeline: str, cells: Cells, since: int, until: int, at: datetime
) -> Baseline:
    """The record of the whole buckets from ``since`` to ``until`` (seconds since 1970).

    Raises:
        ValueError: there is none.
    """
    found = []
    for resolution in RESOLUTIONS:
        step = STEPS[resolution]
        end = bucket(until, step)
        first = max(-(-since // step) * step, end - KEPT_DAYS[resolution] * DAY)
        if first < end:
            found.append(_counts(resolution, first, end, cells))
    return Baseline(object_id=object_id, object_kind=kind, timeline=timeline, at=at, counts=tuple(found))


def _counts(resolution: Resolution, first: int, end: int, cells: Cells) -> BaselineCounts:
    step, sums = STEPS[resolution], dict[int, tuple[int, int]]()
    for start, (negatives, mentions) in cells.items():
        if first <= start < end:
            number = (start - first) // step
            known = sums.get(number, (0, 0))
            sums[number] = (known[0] + negatives, known[1] + mentions)
    buckets = tuple((number, *sums[number]) for number in sorted(sums))
    return BaselineCounts(resolution=resolution, since=moment(first), until=moment(end), buckets=buckets)


def learned(kind: ObjectKind, p: Parameters, series: BaselineCounts, cut: int) -> Tracks | None:
    """The tracks of an object with this past; buckets that end after ``cut`` are left out.

    Returns:
        None where none is left.
    """
    first, end = seconds(series.since), min(seconds(series.until), bucket(cut, p.step))
    if first >= end:
        return None
    cells = {first: (0, 0), end - p.step: (0, 0)}
    cells |= {first + number * p.step: (negatives, total) for number, negatives, total in series.buckets}
    known = ((start, *cells[start]) for start in sorted(cells) if start < end)
    return Tracks.knowing(backfilled(p, known, expected_of(kind, p)))


class Outlook(NamedTuple):
    """What a baseline makes the detector expect."""

    resolution: Resolution
    since: datetime
    until: datetime
    per_hour: float
    """Mentions, averaged over the hours of a week."""
    share: float
    """Part of negatives, 0 to 1."""
    ready: bool
    """The warm-up is over: spikes open at once."""


def outlook(past: Baseline, parameters: Mapping[Resolution, Parameters]) -> list[Outlook]:
    """What detectors expect of an object with this past, at each resolution that the past has."""
    found = []
    for series in past.counts:
        p, until = parameters[series.resolution], seconds(series.until)
        tracks = learned(past.object_kind, p, series, until)
        assert tracks is not None, "nothing of it is left out"
        state = tracks.whole.state
        week = [expect(p, state, until + at, 0) for at in range(0, 7 * DAY, max(HOUR, p.step))]
        usual = sum(e.total for e in week)
        share = sum(e.negatives for e in week) / usual
        per_hour, ready = usual / len(week) * HOUR / p.step, state.age >= p.warm_up
        found.append(Outlook(series.resolution, series.since, series.until, per_hour, share, ready))
    return found


def learn(state: ObjectState, past: Baseline, rules: Rules) -> dict[Resolution, Outcome]:
    """Start an object's tracks anew with its past, resolution by resolution, where that is still of use.

    A track is young until it has judged as many live buckets as its warm-up has; only young ones start anew.
    Buckets that are still to be judged live are not learned: nothing counts twice.

    Returns:
        What became of each resolution that the baseline has.
    """
    cut = state.judged_from
    outcomes = {series.resolution: _learn(state, past, series, rules, cut) for series in past.counts}
    if "learned" in outcomes.values():
        state.due = 0
    return outcomes


def _learn(
    state: ObjectState, past: Baseline, series: BaselineCounts, rules: Rules, cut: int | None
) -> Outcome:
    resolution = series.resolution
    p, known, taught = rules.parameters(state.name, resolution), state.tracks[resolution], state.taught
    before = taught.get(resolution, NOTHING)
    if before.baseline == past.event_id:
        return "repeated"
    if known.telling:
        return "open"
    if known.whole.state.age - before.age >= p.warm_up:
        return "old"
    end = seconds(series.until)
    tracks = learned(state.kind, p, series, end if cut is None else cut)
    if tracks is None:
        return "empty"
    state.tracks[resolution] = tracks
    taught[resolution] = Taught(past.event_id, end, tracks.whole.state.age)
    return "learned"
