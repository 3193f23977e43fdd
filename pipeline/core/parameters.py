"""The detector's parameters per resolution; half-lives are event time, so both resolutions share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.core.windows import DAY, STEPS
from schemas.spike import Resolution

WEEK: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class Parameters:
    """See docs/detector.md for the meaning and the choice of each value. ``keep_*``: decay per bucket."""

    step: int
    """Seconds per bucket."""
    keep_level: float
    keep_slot: float
    keep_share: float
    keep_excess: float
    warm_up: int
    """Buckets of an object in which no spike opens (a day)."""
    freeze: int
    """Most buckets in a row in which nothing is learned (a day)."""
    dormant: int
    """Empty buckets in a row after which the state stands still (a week)."""
    hold: int
    """Buckets in a row that must look calm before a spike resolves."""
    open_at: float = 12.0
    freeze_at: float = 8.0
    ceiling: float = 50.0
    least_negatives: int = 5
    least_ratio: float = 2.0
    winsor: float = 2.0
    level_prior: float = 0.5
    """Mentions per hour that an unknown object is thought to have, worth one hour of data."""
    slot_prior: float = 10.0
    """Expected mentions by which each slot of the rhythm is drawn towards 1."""
    share_prior: float = 0.2
    share_weight: float = 5.0
    """Mentions that the prior share of negatives is worth."""
    excess_prior: float = 0.2
    excess_weight: float = 10.0
    silence: float = 10.0
    """Expected mentions that must be missing before an empty bucket counts as a silent source."""
    raised: float = 0.33
    """What "still raised" means for resolving, as a part of the spike's crest."""
    calm_at: float = 4.0
    """Evidence (nats) for the baseline against "still raised" at which a bucket counts as calm."""


def parameters(resolution: Resolution, **changes: float) -> Parameters:
    """The parameters for buckets of ``resolution``; ``changes`` replace single values."""
    step = STEPS[resolution]
    day = DAY // step

    def keep(half_life: float) -> float:
        return float(0.5 ** (1.0 / half_life))

    values: dict[str, float] = {
        "step": step,
        "keep_level": keep(day),
        "keep_slot": keep(7 * 3600 / step),
        "keep_share": keep(7 * day),
        "keep_excess": keep(14 * day),
        "warm_up": day,
        "freeze": day,
        "dormant": 7 * day,
        "hold": {"5m": 6, "1h": 3}[resolution],
        **changes,
    }
    return Parameters(**values)  # type: ignore[arg-type]
