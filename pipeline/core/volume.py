"""The volume-surge signal: a CUSUM of all mentions, for crises that lift neutral talk along with negative.

Runs beside `pipeline.core.spikes` in a track of `pipeline.core.track`, on the level and rhythm that the
negativity detector has learned. It says that much is said, not that it is bad: its spikes weigh less.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import NamedTuple

from pipeline.core.expectation import expect
from pipeline.core.parameters import Parameters
from pipeline.core.spike_state import State
from pipeline.core.spikes import evidence


class VolumeState(NamedTuple):
    """What the signal remembers of one object at one resolution; a flat row of numbers.

    Buckets are named by their start in seconds since 1970; -1 for none.
    """

    opened: int = -1
    """The bucket that opened the surge that is open now."""
    started: int = -1
    """First bucket of the run: since the CUSUM was last zero, or of the run that opened the surge."""
    total: int = 0
    expected: float = 0.0
    """Mentions expected in the run by level and rhythm."""
    peak: float = 0.0
    """Highest score of the run."""
    cusum: float = 0.0
    crest: float = 0.0
    """Most mentions per bucket of the run, averaged over three buckets."""
    last: int = 0
    last_but_one: int = 0
    """Mentions of the two buckets before."""
    calm: float = 0.0
    held: int = 0
    """Evidence that the open surge is over, and buckets in a row with enough of it."""
    buckets: int = 0
    block_total: float = 0.0
    block_expected: float = 0.0
    excess: float = 0.0
    weight: float = 0.0
    """``excess / weight``: variance of a block's mentions beyond Poisson, in squares of their mean."""

    @property
    def idle(self) -> bool:
        """True where empty buckets cannot change anything that is told."""
        return self.opened < 0 and self.cusum == 0.0


def update(
    p: Parameters, state: VolumeState, learned: State, bucket: int, total: int
) -> tuple[VolumeState, float]:
    """Judge one bucket.

    Args:
        learned: the negativity detector's state *before* this bucket.
        bucket: start of the bucket, seconds since 1970.
        total: all mentions in it.

    Returns:
        The next state, and the score, 0 to ``p.ceiling`` (nats). A surge has opened or ended where ``opened``
        of the old and of the new state differ; the run of one that has just ended is still in the new state.
    """
    if learned.silent >= p.dormant and not total:
        return (state if state.idle else state._replace(opened=-1, cusum=0.0)), 0.0
    e = expect(p, learned, bucket, 0)
    noise = (p.lasting_prior * p.excess_weight + state.excess) / (p.excess_weight + state.weight)
    lasting = min(20.0, max(p.volume_spread, noise))
    spread = max(lasting, e.spread_others)
    state = _learn(p, state, learned, total, e.total, lasting)
    if learned.age < p.volume_warm_up:
        return state._replace(last=total, last_but_one=state.last), 0.0
    state, score = _accumulate(p, state, bucket, total, e.total, spread, lasting)
    was = state.opened
    state = _open_or_end(p, state, bucket, total, score, e.total, spread)
    if was >= 0 > state.opened:
        return state._replace(cusum=0.0), 0.0
    if state.idle:
        state = state._replace(started=-1, total=0, expected=0.0, peak=0.0, crest=0.0)
    return state, score


def _accumulate(
    p: Parameters,
    state: VolumeState,
    bucket: int,
    total: int,
    expected: float,
    spread: float,
    lasting: float,
) -> tuple[VolumeState, float]:
    """The CUSUM of "four times as usual" and its run; the score as in `pipeline.core.spikes`."""
    cusum = min(p.ceiling, max(0.0, state.cusum + evidence(total, expected, spread)))
    fresh = state.idle
    run_total = total + (0 if fresh else state.total)
    run_expected = expected + (0.0 if fresh else state.expected)
    score = 0.0
    if run_total >= p.least_volume and run_total >= p.volume_ratio * run_expected:
        score = max(0.0, min(cusum, evidence(run_total, run_expected, lasting)))
    mean = (total + state.last + state.last_but_one) / 3.0
    following = state._replace(
        started=bucket if fresh else state.started,
        total=run_total,
        expected=run_expected,
        peak=max(0.0 if fresh else state.peak, score),
        cusum=cusum,
        crest=max(0.0 if fresh else state.crest, mean),
        last=total,
        last_but_one=state.last,
    )
    return following, score


def _open_or_end(
    p: Parameters, state: VolumeState, bucket: int, total: int, score: float, expected: float, spread: float
) -> VolumeState:
    """As the negativity detector resolves: evidence for the baseline against "still raised"."""
    if state.opened < 0:
        return state._replace(opened=bucket if score >= p.volume_open_at else -1, calm=0.0, held=0)
    r = 1.0 / spread
    raised = max(2.0 * expected, p.raised * state.crest)
    gain = (total + r) * log((r + raised) / (r + expected)) - total * log(raised / expected)
    calm = min(2.0 * p.calm_at, max(0.0, state.calm + gain))
    held = state.held + 1 if calm >= p.calm_at else 0
    if held >= p.hold:
        return state._replace(opened=-1, calm=0.0, held=0)
    return state._replace(calm=calm, held=held)


def _learn(
    p: Parameters, state: VolumeState, learned: State, total: int, expected: float, lasting: float
) -> VolumeState:
    """Learn how much a block's mentions vary; nothing is learned while much is said."""
    if learned.age < p.warm_up or state.opened >= 0:
        return state._replace(buckets=0, block_total=0.0, block_expected=0.0)
    buckets = state.buckets + 1
    block, usual = state.block_total + total, state.block_expected + expected
    if buckets < p.block:
        return state._replace(buckets=buckets, block_total=block, block_expected=usual)
    square = usual * usual
    off = min(block, usual + p.winsor_run * sqrt(usual + lasting * square) + 1.0) - usual
    keep = p.keep_excess**p.block
    return state._replace(
        buckets=0,
        block_total=0.0,
        block_expected=0.0,
        excess=keep * state.excess + off * off - usual,
        weight=keep * state.weight + square,
    )


def dump(state: VolumeState) -> list[float]:
    """The state as JSON values."""
    return list(state)


def load(values: Sequence[float]) -> VolumeState:
    """The inverse of `dump`, also after a way through JSON; fields are only ever added at the end."""
    return VolumeState(*values)  # type: ignore[arg-type]  # JSON keeps whole numbers whole
