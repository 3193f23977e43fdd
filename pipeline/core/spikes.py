"""The spike detector: a conditional negative-binomial CUSUM of one object at one resolution.

``update(parameters, state, bucket, negative, total) -> (state, score)`` is pure; `pipeline.core.detection`
calls it for every closed bucket of event time, ``molva detect`` for every row of a file. The equations,
their sources and what was measured: docs/detector.md.
"""

from __future__ import annotations

from math import exp, log, log1p, sqrt

from pipeline.core.expectation import LEAST_LASTING, Expectation, expect
from pipeline.core.parameters import Parameters
from pipeline.core.seasonality import learn
from pipeline.core.spike_state import Block, Learned, Run, State

__all__ = ["evidence", "expect", "interval", "run_interval", "update"]

LN4 = log(4.0)
EXACT = 200
"""Largest mean for which `interval` sums probabilities one by one."""


def update(p: Parameters, state: State, bucket: int, negative: int, total: int) -> tuple[State, float]:
    """Judge one bucket; buckets come in time order without holes (an empty bucket is ``0, 0``).

    Args:
        bucket: start of the bucket, seconds since 1970.
        negative: negative mentions, N.
        total: all mentions, T >= N.

    Returns:
        The next state, and the score, 0 to ``p.ceiling`` (nats). A spike has opened or resolved where
        ``opened`` of the old and of the new state differ; the run of a spike that has just resolved is
        still in the new state.

    >>> from pipeline.core.parameters import parameters
    >>> hourly, state = parameters("1h"), State()
    >>> for hour in range(48):
    ...     state, score = update(hourly, state, hour * 3600, hour % 2, 5)
    >>> state, score = update(hourly, state, 48 * 3600, 30, 35)
    >>> score > 12 and state.opened == 48 * 3600
    True
    """
    expectation = expect(p, state, bucket, total - negative)
    silent = 0 if total else state.silent + 1
    silent_expected = 0.0 if total else state.silent_expected + expectation.total
    if silent > p.dormant:
        return (state if state.idle else state._replace(cusum=0.0, opened=-1)), 0.0
    if silent_expected > p.silence:
        return _skip(p, state, silent, silent_expected), 0.0
    cusum, run, score = _accumulate(p, state, bucket, negative, total - negative, expectation)
    opened, calm, held = _open_or_resolve(p, state, bucket, negative, score, run, expectation)
    if opened < 0 <= state.opened:
        cusum = score = 0.0
    elif cusum == 0.0 and opened < 0:
        run = Run()
    frozen, learned, block = _learn(p, state, bucket, negative, total, score, expectation)
    following = State(
        state.age + 1,
        silent,
        silent_expected,
        frozen,
        learned,
        (total - negative, state.others[0]),
        (expectation.others, state.usual_others[0]),
        (negative, state.negatives[0]),
        cusum,
        run,
        opened,
        calm,
        held,
        block,
    )
    return following, score


def _skip(p: Parameters, state: State, silent: int, expected: float) -> State:
    """A silent source: nothing is judged or learned; after a day of it an open spike resolves."""
    over = state.opened >= 0 and silent >= p.freeze
    return state._replace(
        age=state.age + 1,
        silent=silent,
        silent_expected=expected,
        others=(0, 0),
        usual_others=(0.0, 0.0),
        negatives=(0, 0),
        cusum=0.0 if over or state.cusum < 0.01 else state.cusum * 0.5,
        opened=-1 if over else state.opened,
    )


def _accumulate(
    p: Parameters, state: State, bucket: int, negative: int, others: int, e: Expectation
) -> tuple[float, Run, float]:
    """The CUSUM of "four times E" against E, the run that it belongs to, and the gated score.

    The CUSUM takes buckets as independent. Noise of the share that lasts for hours is not, so the score of an
    object that has such noise is never above the evidence of the run as one observation, whose spread it is.
    """
    if state.age < p.warm_up:
        return 0.0, Run(), 0.0
    cusum = min(p.ceiling, max(0.0, state.cusum + evidence(negative, e.given, e.spread)))
    run = Run(started=bucket) if state.idle else state.run
    negatives = run.negatives + negative
    volume = run.others + others
    expected = run.expected + e.given
    usual = run.usual + e.negatives
    usual_others = run.usual_others + e.others
    least = p.least_ratio * max(expected, usual * (e.k + volume) / (e.k + usual_others))
    spread = e.lasting + 1.0 / (e.k + volume)
    score = 0.0
    if negatives >= p.least_negatives and negatives >= least:
        noisy = p.bounded and e.lasting > LEAST_LASTING
        score = max(0.0, min(cusum, evidence(negatives, expected, spread))) if noisy else cusum
    crest = max(run.crest, (negative + sum(state.negatives)) / 3.0)
    peak = max(run.peak, score)
    return (
        cusum,
        Run(run.started, negatives, volume, expected, usual, usual_others, crest, peak, spread),
        score,
    )


def evidence(observed: int, expected: float, spread: float) -> float:
    """Log-likelihood ratio (nats) of "four times ``expected``" against it, both negative binomial."""
    r = 1.0 / spread
    return observed * LN4 - (observed + r) * log((r + 4.0 * expected) / (r + expected))


def _open_or_resolve(
    p: Parameters, state: State, bucket: int, negative: int, score: float, run: Run, e: Expectation
) -> tuple[int, float, int]:
    """``opened, calm, held`` after this bucket.

    An open spike resolves by a CUSUM of its own, in the other direction: evidence for E against "still
    raised", the larger of twice E and a part of the spike's crest. It must hold for some buckets.
    """
    if state.opened < 0:
        return (bucket if score >= p.open_at else -1), 0.0, 0
    r = 1.0 / e.spread
    raised = max(2.0 * e.given, p.raised * run.crest)
    gain = (negative + r) * log((r + raised) / (r + e.given)) - negative * log(raised / e.given)
    calm = min(2.0 * p.calm_at, max(0.0, state.calm + gain))
    held = state.held + 1 if calm >= p.calm_at else 0
    return (-1, 0.0, 0) if held >= p.hold else (state.opened, calm, held)


def _learn(
    p: Parameters, state: State, bucket: int, negative: int, total: int, score: float, e: Expectation
) -> tuple[int, Learned, Block]:
    """Buckets frozen in a row, and the baseline after this bucket; what is learned is winsorised."""
    raised = score > p.freeze_at
    if raised and state.frozen < p.freeze:
        return state.frozen + 1, state.learned, _lasting(p, state, negative, total - negative, raised, e)[0]
    known = state.learned
    t, n, v = float(total), float(negative), float(total - negative)
    n_excess = n
    if state.age >= p.warm_up:
        t = min(t, _bound(p.winsor, e.total, e.spread_others))
        n_excess = min(n, _bound(p.winsor_excess, e.given, e.spread))
        n = min(n, _bound(p.winsor, e.given, e.spread), t)
        v = min(v, _bound(p.winsor, e.others, e.spread_others))
    keep = 1.0 if raised else p.keep_excess
    gain = 0.0 if raised else 1.0  # a lasting rise is a new level, not noise
    e2 = e.given * e.given
    block, lasting, weight = _lasting(p, state, negative, total - negative, raised, e)
    return (
        (state.frozen if raised else 0),
        Learned(
            p.keep_level * known.total + t,
            p.keep_level * known.rhythm_sum + e.rhythm,
            learn(known.rhythm, bucket, p.step, p.keep_slot, t, e.level),
            p.keep_share * known.negative + n,
            p.keep_share * known.mentions + t,
            keep * known.excess_n + gain * ((n_excess - e.given) ** 2 - e.given - e2 / e.volume),
            keep * known.weight_n + gain * e2,
            keep * known.excess_v + gain * ((v - e.others) ** 2 - e.others),
            keep * known.weight_v + gain * e.others * e.others,
            keep * known.excess_run + lasting,
            keep * known.weight_run + weight,
        ),
        block,
    )


def _lasting(
    p: Parameters, state: State, negative: int, others: int, raised: bool, e: Expectation
) -> tuple[Block, float, float]:
    """The block after this bucket, and what a full one adds to ``excess_run`` and ``weight_run``."""
    if state.age < p.warm_up or state.opened >= 0:
        return Block(), 0.0, 0.0
    known = state.block
    fresh = Block(excess=known.excess, weight=known.weight)
    if raised:
        return fresh, 0.0, 0.0
    sums = known.buckets + 1, known.negatives + negative, known.others + others, known.expected + e.given
    block = Block(*sums, known.excess, known.weight)
    if block.buckets < p.block:
        return block, 0.0, 0.0
    square = block.expected * block.expected
    counted = square / (e.k + block.others)
    bound = block.expected + p.winsor_run * sqrt(block.expected + counted + e.lasting * square) + 1.0
    off = min(block.negatives, bound) - block.expected
    excess = known.excess + off * off - block.expected - counted
    weight = known.weight + square
    believed = p.believed
    rest = Block(excess=(1.0 - believed) * excess, weight=(1.0 - believed) * weight)
    return rest, believed * excess, believed * weight


def _bound(deviations: float, mean: float, spread: float) -> float:
    """Mean and some standard deviations; one more mention, so that rare events are learned at all."""
    return mean + deviations * sqrt(mean + spread * mean * mean) + 1.0


def interval(expected: float, spread: float) -> tuple[float, float]:
    """The central 95 % of a negative binomial: the counts that it stays between, both included.

    Args:
        expected: its mean, >= 0.
        spread: its variance beyond Poisson, in squares of the mean, >= 0; 0 is Poisson.

    Exact up to a mean of 200, beyond by Wilson and Hilferty's cube root of a gamma variable (PNAS 17, 1931).

    >>> interval(3.0, 0.0)
    (0.0, 7.0)
    """
    if expected > EXACT:
        variance = expected + spread * expected * expected
        shape = expected * expected / variance
        centre, width = 1.0 - 1.0 / (9.0 * shape), 1.959964 / (3.0 * sqrt(shape))
        low, high = (expected * max(0.0, centre + side * width) ** 3 for side in (-1.0, 1.0))
        return float(round(low)), float(round(high))
    r = 1.0 / max(spread, 1e-9)
    mass = exp(-r * log1p(expected / r))
    below, count, low = mass, 0, 0 if mass >= 0.025 else -1
    while below < 0.975 and count < 100 * EXACT:
        mass *= (count + r) / (count + 1) * expected / (r + expected)
        count += 1
        below += mass
        if low < 0 and below >= 0.025:
            low = count
    return float(max(0, low)), float(count)


def run_interval(state: State) -> tuple[float, float]:
    """The 95 % `interval` of the negatives that were expected in the state's run."""
    return interval(state.run.expected, state.run.spread)
