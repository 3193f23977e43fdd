"""How surprising a source's silence is by its own rhythm; the agents export it as a metric for an alert.

Time is cut into buckets of five minutes, and only whether a bucket had a post counts: posts come in bursts,
of which a number would say more than it knows. Let q be the learned share of buckets with a post in this hour
of the day (workdays and weekends apart), the least of the hour and its neighbours, so that a rhythm that
shifts by an hour surprises nobody. A silence gathers the hazard H, the sum of -ln(1 - q) over its buckets;
where the source keeps its rhythm exactly, H is exponential (time-rescaling theorem: Brown et al., 2002).
Sources do not: one day is livelier than another. With an activity that is gamma-distributed, of mean 1 and
variance 1/k (a frailty: Vaupel et al., 1979), the probability of a silence of H is (1 + H/k)^-k; k is learned
from how late the source came back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pipeline.core.seasonality import SLOTS, slot
from pipeline.core.windows import DAY, HOUR

STEP: Final = 300
"""Seconds of a bucket."""
LOUD: Final = 4.0
"""A silence that its rhythm makes rarer than 1e-4 is worth an alert, and is not learned from any more."""

_PRIOR: Final = 12.0
"""Empty buckets that are assumed of each hour before it was seen: an hour that is new proves nothing."""
_VISITS: Final = 14 * HOUR // STEP
_FADE: Final = 0.5 ** (1 / _VISITS)
"""An hour of the day is half forgotten after 14 visits."""
_LEARNED: Final = DAY // STEP
"""Buckets before anything is called surprising: one day."""
_FROZEN: Final = 3 * DAY // STEP
"""A silence of three days is the new rhythm, and learned."""
_RETURNS: Final = (5.0, 10.0, 40.0)
"""What is assumed of returns: five, as a source with k = 4 would."""
_LATE: Final = 1.0
"""Hazard from which a return says something about k."""
_STEADY: Final = (1.0, 50.0)
"""Least and greatest k."""


class Silence(NamedTuple):
    """What is known of a source; `closed` gives the next one."""

    bucket: int = -1
    """Start of the newest closed bucket, Unix seconds; -1: none yet."""
    posted: tuple[float, ...] = (0.0,) * SLOTS
    """Buckets with a post by hour of workday and weekend (`seasonality.slot`), fading."""
    seen: tuple[float, ...] = (0.0,) * SLOTS
    """All buckets by hour, fading."""
    hazard: float = 0.0
    """Gathered since the last post."""
    empty: int = 0
    """Buckets since the last post."""
    waiting: tuple[float, float] = (0.0, 0.0)
    """Of this silence's late buckets: the sum of q, and of q times the hazard before."""
    returns: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Late returns, and the sums of what they had waited."""


def closed(state: Silence, bucket: int, posted: bool) -> Silence:
    """The state after one more bucket that was watched from its beginning to its end.

    Args:
        state: as of the bucket before; buckets between the two were not watched and say nothing.
        bucket: its start in Unix seconds.
        posted: whether the source had a post in it.
    """
    loud = surprise(state) > LOUD
    q = _share(state, bucket)
    if posted or not loud or state.empty >= _FROZEN:
        state = _learned(state, slot(bucket), posted)
    if posted:
        return _returned(state)._replace(bucket=bucket)
    waiting = state.waiting
    if not loud and state.hazard >= _LATE:
        waiting = (waiting[0] + q, waiting[1] + q * state.hazard)
    hazard = state.hazard - math.log1p(-q)
    return state._replace(bucket=bucket, hazard=hazard, empty=state.empty + 1, waiting=waiting)


def surprise(state: Silence) -> float:
    """-log10 of the probability that the source is silent for so long: 0 or more, 4 is one in ten thousand.

    0 until a day has been watched. It never falls while the source is silent.
    """
    if sum(state.seen) < _LEARNED * 0.9:
        return 0.0
    k = steadiness(state)
    return k * math.log10(1 + state.hazard / k)


def steadiness(state: Silence) -> float:
    """k: how evenly the source keeps to its rhythm, from 1 (hardly) to 50 (like a clock of chance).

    After a hazard of H the source comes back with q / (1 + H/k) rather than q; k solves that for the
    returns that were late.
    """
    count, expected, moment = (seen + prior for seen, prior in zip(state.returns, _RETURNS, strict=True))
    if expected <= count:
        return _STEADY[1]
    return min(_STEADY[1], max(_STEADY[0], (moment / expected) / (expected / count - 1)))


def dump(state: Silence) -> list[Any]:
    """The state as JSON, about 1 KB."""
    rounded = ([round(value, 4) for value in part] for part in (state.posted, state.seen))
    return [state.bucket, *rounded, state.hazard, state.empty, list(state.waiting), list(state.returns)]


def load(document: Sequence[Any]) -> Silence:
    """The state that `dump` wrote.

    Raises:
        ValueError: it is not one.
    """
    try:
        bucket, posted, seen, hazard, empty, waiting, returns = document
        state = Silence(
            int(bucket),
            _floats(posted),
            _floats(seen),
            float(hazard),
            int(empty),
            _pair(waiting),
            _three(returns),
        )
    except TypeError as error:
        raise ValueError(f"no state of a silence: {error}") from error
    if len(state.posted) != SLOTS or len(state.seen) != SLOTS:
        raise ValueError(f"no state of a silence: {SLOTS} hours expected")
    return state


def _share(state: Silence, bucket: int) -> float:
    """q of a bucket."""
    hours = (slot(bucket - HOUR), slot(bucket), slot(bucket + HOUR))
    return min(state.posted[hour] / (state.seen[hour] + _PRIOR) for hour in hours)


def _learned(state: Silence, hour: int, posted: bool) -> Silence:
    return state._replace(
        posted=_added(state.posted, hour, float(posted)), seen=_added(state.seen, hour, 1.0)
    )


def _added(sums: tuple[float, ...], hour: int, value: float) -> tuple[float, ...]:
    return (*sums[:hour], sums[hour] * _FADE + value, *sums[hour + 1 :])


def _returned(state: Silence) -> Silence:
    """After a post: the silence is over, and told whether it was as long as expected."""
    returns = state.returns
    if state.waiting[0] > 0:
        count, expected, moment = (value * _FADE for value in returns)
        returns = (count + 1, expected + state.waiting[0], moment + state.waiting[1])
    return state._replace(hazard=0.0, empty=0, waiting=(0.0, 0.0), returns=returns)


def _floats(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _pair(values: Sequence[Any]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


def _three(values: Sequence[Any]) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)
