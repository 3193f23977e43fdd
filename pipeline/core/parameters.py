"""The detector's parameters per resolution, for `pipeline.core.spikes`; half-lives are event time.

5 minutes and 1 hour share them; days need longer ones, or they would remember a week of a handful of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

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
    """Buckets of an object in which no spike opens (a day; a week at 1d)."""
    freeze: int
    """Most buckets in a row in which nothing is learned (a day; three at 1d)."""
    dormant: int
    """Empty buckets in a row after which the state stands still (a week; sixty days at 1d)."""
    hold: int
    """Buckets in a row that must look calm before a spike resolves."""
    block: int
    """Buckets over which noise that lasts is learned (half an hour at 5m, a day at 1h, three days at 1d)."""
    believed: float
    """Part of what full blocks say that is believed with each further block: a delay of half a day at 5m, of
    one to two blocks at the others, so that the first hours of a spike do not pass for noise."""
    volume_warm_up: int
    """Buckets before the volume signal speaks: the rhythm must be known (a week; two at 1d)."""
    winsor_excess: float
    """As ``winsor``, for the excess variance of the negatives of single buckets."""
    winsor_run: float
    """The same for blocks. Those of 5-minute buckets are many, and clipped hard they would not teach heavy
    noise; of the few hours of an object, incidents are a larger part."""
    raised: float
    """What "still raised" means for resolving, as a part of the spike's crest."""
    calm_at: float
    """Evidence (nats) for the baseline against "still raised" at which a bucket counts as calm."""
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
    lasting_prior: float = 0.05
    lasting_most: float = 0.07
    """Most noise of the share that is believed to last, as a variance in squares of the mean: sd .26. With
    more, as careless labels teach it, no run of a busy object could reach ``open_at``."""
    bounded: float = 1.0
    """0: the score may be above the evidence of the run as one observation (plain counts)."""
    silence: float = 10.0
    """Expected mentions that must be missing before an empty bucket counts as a silent source."""
    volume_open_at: float = 16.0
    """Score at which a surge of all mentions opens: rarer than spikes, since it says less."""
    volume_ratio: float = 2.5
    least_volume: int = 20
    volume_spread: float = 0.05
    """Least variance of mentions beyond Poisson, in squares of their mean."""


class Lives(NamedTuple):
    """What differs between resolutions: half-lives and spans in days, the rest in buckets."""

    level: int = 1
    share: int = 7
    excess: int = 14
    warm_up: int = 1
    freeze: int = 1
    dormant: int = 7
    hold: int = 6
    block: int = 6
    believed: float = 0.5
    volume_warm_up: int = 7
    winsor_excess: float = 2.0
    winsor_run: float = 2.0
    raised: float = 0.33
    calm_at: float = 4.0


LIVES: Final[dict[Resolution, Lives]] = {
    "5m": Lives(believed=0.04, winsor_excess=2.25, winsor_run=4.0),
    "1h": Lives(hold=3, block=24),
    "1d": Lives(
        level=14,
        share=28,
        excess=56,
        warm_up=7,
        freeze=3,
        dormant=60,
        hold=1,
        block=3,
        volume_warm_up=14,
        raised=0.5,
        calm_at=1.5,
    ),
}


def parameters(resolution: Resolution, **changes: float) -> Parameters:
    """The parameters for buckets of ``resolution``; ``changes`` replace single values."""
    step = STEPS[resolution]
    day = DAY // step
    life = LIVES[resolution]

    def keep(half_life: float) -> float:
        return float(0.5 ** (1.0 / half_life))

    values: dict[str, float] = {
        "step": step,
        "keep_level": keep(life.level * day),
        "keep_slot": keep(7 * 3600 / step if step < DAY else 15),
        "keep_share": keep(life.share * day),
        "keep_excess": keep(life.excess * day),
        "warm_up": life.warm_up * day,
        "freeze": life.freeze * day,
        "dormant": life.dormant * day,
        "hold": life.hold,
        "block": life.block,
        "believed": life.believed,
        "volume_warm_up": life.volume_warm_up * day,
        "winsor_excess": life.winsor_excess,
        "winsor_run": life.winsor_run,
        "raised": life.raised,
        "calm_at": life.calm_at,
        **changes,
    }
    return Parameters(**values)  # type: ignore[arg-type]
