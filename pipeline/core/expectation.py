"""What a bucket should hold by the learned level, rhythm and share of negatives, and given its volume.

The first half of `pipeline.core.spikes`, and what `pipeline.core.volume` shares with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.core.parameters import Parameters
from pipeline.core.seasonality import factor
from pipeline.core.spike_state import State
from pipeline.core.windows import HOUR

LEAST_LASTING: Final = 0.01
"""Smallest ``lasting``; an object that has it shows no noise that lasts."""


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
    lasting: float
    """Excess variance of sums of negatives over a block: what of the noise does not average out."""


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
    prior_run = p.lasting_prior * p.excess_weight
    learned_run = (prior_run + learned.excess_run) / (p.excess_weight + learned.weight_run)
    lasting = min(p.lasting_most, max(LEAST_LASTING, learned_run))
    k = 1.0 / spread_v
    volume = k + sum(state.others) + others
    given = m_n * max(0.8, volume / (k + sum(state.usual_others) + m_v))
    return Expectation(
        level, rhythm, usual, m_n, m_v, given, k, volume, spread_n + 1.0 / volume, spread_v, lasting
    )
