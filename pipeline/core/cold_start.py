"""What the detector believes of an object before it has seen it: by its kind, or from its past.

Gives the detectors' first states of an object; `pipeline.core.tracks` starts with them, and starts anew with
them where a baseline arrives (`pipeline.core.baselines`). What was measured: docs/cold-start.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pipeline.core import spikes, volume
from pipeline.core.parameters import Parameters
from pipeline.core.spike_state import Learned, State
from pipeline.core.volume import VolumeState
from pipeline.core.windows import HOUR
from schemas.mention import ObjectKind


class Prior(NamedTuple):
    """What is usual for a kind: mentions per hour, share of negatives, excess variance of counts."""

    per_hour: float
    share: float
    excess: float


PRIORS: Final[dict[ObjectKind, Prior]] = {
    "brand": Prior(0.5, 0.20, 0.2),
    "competitor": Prior(0.5, 0.20, 0.2),
    "product": Prior(0.3, 0.25, 0.2),
    "person": Prior(0.5, 0.30, 0.4),
    "topic": Prior(2.0, 0.30, 0.5),
}
"""Of people more is said ill than of brands, and what is said of people and topics comes in waves."""

MENTIONS: Final = 10.0
"""Mentions that a kind's share of negatives is worth."""
WEIGHT: Final = 10.0
"""Squared expected counts that its excess variance is worth."""
HOURS: Final = 6.0
"""Hours of data that its level is worth."""


class Taught(NamedTuple):
    """What a baseline taught the tracks of a resolution (`pipeline.core.baselines`)."""

    baseline: str
    """Its event id."""
    until: int
    """End of its counts."""
    age: int
    """That of the track when it had learned them; what it is older was judged live."""


NOTHING: Final = Taught("", 0, 0)


def expected_of(kind: ObjectKind, p: Parameters) -> State:
    """The state of a new object of ``kind``: nothing seen, and a weak belief that a day of data outweighs."""
    prior = PRIORS[kind]
    buckets = HOURS * HOUR / p.step
    return State(
        learned=Learned(
            total=prior.per_hour * HOURS,
            rhythm_sum=buckets,
            negative=prior.share * MENTIONS,
            mentions=MENTIONS,
            excess_n=prior.excess * WEIGHT,
            weight_n=WEIGHT,
            excess_v=prior.excess * WEIGHT,
            weight_v=WEIGHT,
        )
    )


class Past(NamedTuple):
    """What the past has taught the detectors of one object at one resolution; both at rest."""

    negativity: State
    volume: VolumeState


def backfilled(p: Parameters, counts: Iterable[tuple[int, int, int]], state: State | None = None) -> Past:
    """Learn from the past without opening spikes.

    Winsorising and freezing work as they do live, so an incident of the past does not become the normal.
    The warm-up is over once as many buckets were seen, whatever ``counts`` begins with.

    Args:
        counts: ``(bucket, negatives, total)`` in time order; buckets left out are empty.
        state: what was believed before, such as `expected_of`.

    Returns:
        States at rest: no spike, no evidence for one, nothing of the last buckets, since the next one to be
        judged need not follow them.

    Raises:
        ValueError: a bucket lies before the one before it, or is no multiple of the step.
    """
    past = Past(state or State(), VolumeState())
    upcoming: int | None = None
    for bucket, negative, total in counts:
        if bucket % p.step or (upcoming is not None and bucket < upcoming):
            raise ValueError(f"bucket {bucket} is not in order, or not on the grid of {p.step} seconds")
        while upcoming is not None and upcoming < bucket and past.negativity.silent <= p.dormant:
            past = _seen(p, past, upcoming, 0, 0)
            upcoming += p.step
        past = _seen(p, past, bucket, negative, total)
        upcoming = bucket + p.step
    return Past(
        State(age=past.negativity.age, learned=past.negativity.learned),
        VolumeState(excess=past.volume.excess, weight=past.volume.weight),
    )


def _seen(p: Parameters, past: Past, bucket: int, negative: int, total: int) -> Past:
    state, _ = spikes.update(p, past.negativity, bucket, negative, total)
    surge, _ = volume.update(p, past.volume, past.negativity, bucket, total)
    return Past(state, surge)
