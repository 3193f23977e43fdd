"""The detector on a plain count: no negatives and others, only how many. For ``molva detect`` without totals.

Nothing tells a launch from a crisis there, and counts of all talk have heavier tails than a share of
negatives, so the threshold is learned per series: a spike must stand out against what the series did before.
"""

from __future__ import annotations

from math import exp, log
from typing import Final, NamedTuple

from pipeline.core import spikes
from pipeline.core.parameters import Parameters, parameters
from pipeline.core.spike_state import State
from pipeline.core.windows import DAY
from schemas.spike import Resolution

PART: Final = 0.6
"""Part of the highest score of the past, as far as it is remembered, that a new spike must reach."""
HALF_LIFE: Final = 7 * DAY
"""Seconds in which the memory of the highest score halves."""
REST: Final = DAY
"""Seconds after an opening in which no other spike opens."""
UNBOUNDED: Final = 1e9


class PlainState(NamedTuple):
    """The detector's state with a threshold of its own."""

    detector: State = State()
    opened: int = -1
    """The bucket that opened the spike that is open now; -1: none."""
    last: int = -REST
    """The bucket that opened the newest spike."""
    record: float = 0.0
    """The highest score so far, halved every week."""

    @property
    def judged(self) -> State:
        """The detector's state, open where the learned threshold says so."""
        return self.detector._replace(opened=self.opened)


def plain_parameters(resolution: Resolution, **changes: float) -> Parameters:
    """`parameters` for plain counts: the score has no ceiling, for the record would stick to it."""
    plain = {"ceiling": UNBOUNDED, "bounded": 0.0, "winsor_excess": 2.0}
    return parameters(resolution, **plain | changes)


def update(p: Parameters, state: PlainState, bucket: int, count: int) -> tuple[PlainState, float]:
    """Judge one bucket; as `pipeline.core.spikes.update`, with E = m_N.

    A spike opens where the score reaches ``p.open_at`` and `PART` of the highest score of the past, at most
    once per `REST` seconds.

    Returns:
        The next state, and the evidence for a *new* spike: ``p.open_at`` opens it, 0 while one is open and
        until `REST` is over.
    """
    detector, score = spikes.update(p, state.detector, bucket, count, count)
    return decide(p, state, bucket, detector, score)


def decide(
    p: Parameters,
    state: PlainState,
    bucket: int,
    detector: State,
    score: float,
    part: float = PART,
    half_life: float = HALF_LIFE,
    rest: int = REST,
) -> tuple[PlainState, float]:
    """`update`, where the detector has judged the bucket: ``detector``, ``score`` are what it gave."""
    record = state.record * exp(-log(2.0) * p.step / half_life)
    opened = state.opened if detector.opened >= 0 else -1
    ready = opened < 0 and bucket - state.last >= rest
    told = p.open_at * score / max(p.open_at, part * record) if ready else 0.0
    last = state.last
    if told >= p.open_at:
        opened = last = bucket
    return PlainState(detector, opened, last, max(record, score)), told
