"""The spike detector: a conditional negative-binomial CUSUM of one object at one resolution.

``update(parameters, state, bucket, negative, total) -> (state, score)`` is pure; `pipeline.core.detection`
calls it for every closed bucket of event time, ``molva detect`` for every row of a file. The equations,
their sources and what was measured: docs/detector.md.
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from pipeline.core.parameters import Parameters
from pipeline.core.seasonality import factor, learn
from pipeline.core.spike_state import Learned, Run, State
from pipeline.core.windows import HOUR

LN4 = log(4.0)


class Expectation(NamedTuple):
    """What a bucket should hold."""

    level: float
    rhythm: float
    total: float
    negatives: float
    """m_N: by level, rhythm and share of negatives."""
    others: float
    given: float
    """E: negatives given the observed volume of the others."""
    k: float
    volume: float
    """V3 + k: how well the volume is known."""
    spread: float
    """1/r: variance of negatives beyond Poisson, in squares of E."""
    spread_others: float


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
    frozen, learned = _learn(p, state, bucket, negative, total, score, expectation)
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
    )
    return following, score


def expect(p: Parameters, state: State, bucket: int, others: int) -> Expectation:
    """What the bucket should hold, given ``others``, the non-negative mentions that it does hold."""
    learned = state.learned
    level = (p.level_prior + learned.total) / (HOUR / p.step + learned.rhythm_sum)
    rhythm = factor(learned.rhythm, bucket, p.step, p.slot_prior)
    share = (p.share_prior * p.share_weight + learned.negative) / (p.share_weight + learned.mentions)
    usual = level * rhythm
    m_n = share * usual
    m_v = usual - m_n
    prior = p.excess_prior * p.excess_weight
    spread_n = min(20.0, max(0.01, (prior + learned.excess_n) / (p.excess_weight + learned.weight_n)))
    spread_v = min(2.0, max(0.02, (prior + learned.excess_v) / (p.excess_weight + learned.weight_v)))
    k = 1.0 / spread_v
    volume = k + sum(state.others) + others
    given = m_n * max(0.8, volume / (k + sum(state.usual_others) + m_v))
    return Expectation(level, rhythm, usual, m_n, m_v, given, k, volume, spread_n + 1.0 / volume, spread_v)


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
    """The CUSUM of "four times E" against E, the run that it belongs to, and the gated score."""
    if state.age < p.warm_up:
        return 0.0, Run(), 0.0
    r = 1.0 / e.spread
    gain = negative * LN4 - (negative + r) * log((r + 4.0 * e.given) / (r + e.given))
    cusum = min(p.ceiling, max(0.0, state.cusum + gain))
    run = Run(started=bucket) if state.idle else state.run
    negatives = run.negatives + negative
    volume = run.others + others
    expected = run.expected + e.given
    usual = run.usual + e.negatives
    usual_others = run.usual_others + e.others
    least = p.least_ratio * max(expected, usual * (e.k + volume) / (e.k + usual_others))
    score = cusum if negatives >= p.least_negatives and negatives >= least else 0.0
    crest = max(run.crest, (negative + sum(state.negatives)) / 3.0)
    peak = max(run.peak, score)
    return cusum, Run(run.started, negatives, volume, expected, usual, usual_others, crest, peak), score


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
) -> tuple[int, Learned]:
    """Buckets frozen in a row, and the baseline after this bucket; what is learned is winsorised."""
    raised = score > p.freeze_at
    if raised and state.frozen < p.freeze:
        return state.frozen + 1, state.learned
    known = state.learned
    t, n, v = float(total), float(negative), float(total - negative)
    if state.age >= p.warm_up:
        t = min(t, _bound(p, e.total, e.spread_others))
        n = min(n, _bound(p, e.given, e.spread), t)
        v = min(v, _bound(p, e.others, e.spread_others))
    keep = 1.0 if raised else p.keep_excess
    gain = 0.0 if raised else 1.0  # a lasting rise is a new level, not noise
    e2 = e.given * e.given
    return (state.frozen if raised else 0), Learned(
        p.keep_level * known.total + t,
        p.keep_level * known.rhythm_sum + e.rhythm,
        learn(known.rhythm, bucket, p.keep_slot, t, e.level),
        p.keep_share * known.negative + n,
        p.keep_share * known.mentions + t,
        keep * known.excess_n + gain * ((n - e.given) ** 2 - e.given - e2 / e.volume),
        keep * known.weight_n + gain * e2,
        keep * known.excess_v + gain * ((v - e.others) ** 2 - e.others),
        keep * known.weight_v + gain * e.others * e.others,
    )


def _bound(p: Parameters, mean: float, spread: float) -> float:
    """Mean and some standard deviations; one more mention, so that rare events are learned at all."""
    return mean + p.winsor * sqrt(mean + spread * mean * mean) + 1.0
