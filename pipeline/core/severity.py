"""How grave a spike is: info, warning or critical, and how that may change while the spike lasts.

Used by `pipeline.core.episodes`. The thresholds are judgement, not estimates: docs/spike-life.md.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.core.windows import STEPS
from schemas.spike import Resolution, Severity, Signal

RANKS: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
WARNING_POINTS: Final = 2
CRITICAL_POINTS: Final = 6

EXCESS: Final = (30.0, 150.0)
"""Negatives beyond the expected: one point from the first number on, two from the second; so below."""
RATIO: Final = (4.0, 10.0)
"""Negatives to the expected, which counts as at least one: five against 0.1 is not fifty times too many."""
SPEED: Final = (60.0, 300.0)
"""Negatives per hour at the crest."""
REACH: Final = (100_000.0, 1_000_000.0)
"""Followers of the authors."""
HOURS: Final = (3.0, 12.0)
"""How long the run has lasted, from its first to its last bucket."""

HOLD: Final[dict[Resolution, int]] = {"5m": 12, "1h": 6, "1d": 2}
"""Buckets that a severity must have lacked its reasons before it falls a step."""


class Size(NamedTuple):
    """What severity is judged from; each number, if it grows, never lowers the result (``expected`` does)."""

    negatives: int
    expected: float
    crest: float
    """Most negatives per hour."""
    reach: int
    hours: float


def of(signal: Signal, size: Size) -> Severity:
    """The severity of a run as it stands; a volume signal is never above info.

    Critical also takes size or reach: a small object's long spike is a warning however steep it is.

    >>> of("negativity", Size(10, 0.5, 10.0, 0, 0.0)), of("negativity", Size(900, 9.0, 400.0, 0, 0.0))
    ('warning', 'critical')
    """
    if signal == "volume":
        return "info"
    excess = _points(size.negatives - size.expected, EXCESS)
    reach = _points(size.reach, REACH)
    points = excess + reach + _points(size.negatives / max(1.0, size.expected), RATIO)
    points += _points(size.crest, SPEED) + _points(size.hours, HOURS)
    if points >= CRITICAL_POINTS and excess + reach > 0:
        return "critical"
    return "warning" if points >= WARNING_POINTS else "info"


def risen(told: Severity, now: Severity) -> bool:
    """Whether ``now`` is above what was told."""
    return RANKS.index(now) > RANKS.index(told)


def settled(told: Severity, now: Severity, confirmed: int, bucket: int, resolution: Resolution) -> Severity:
    """What an event may say: a rise at once, a fall by one step after a hold without reasons for more.

    Args:
        confirmed: start of the newest bucket in which ``told`` or more was justified.
        bucket: start of this bucket.
    """
    if not risen(now, told):
        return now
    if bucket - confirmed < HOLD[resolution] * STEPS[resolution]:
        return told
    return RANKS[RANKS.index(told) - 1]


def _points(value: float, thresholds: tuple[float, float]) -> int:
    return sum(value >= threshold for threshold in thresholds)
