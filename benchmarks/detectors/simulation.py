"""Simulated objects for `benchmarks.detector_simulation`: counts per 5 minutes, all objects at once.

Daily and weekly rhythm (Moscow), gamma noise that negatives and volume share in part, optionally noise of
the share itself; bursts, launches, silent sources and late mentions are laid over the same quiet weeks.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.windows import DAY, HOUR

STEP: Final = 300
DAY_BUCKETS: Final = DAY // STEP
WEEK: Final = 7 * DAY_BUCKETS
START: Final = 4 * DAY
"""A Monday."""
SHARE, NOISE_N, NOISE_V, NOISE_BOTH = 0.25, 0.05, 0.05, 0.10
LEARNING_WEEKS: Final = 2
"""Nothing is scored in them."""

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


class Talk(NamedTuple):
    """Arrays of (objects, buckets)."""

    negatives: Counts
    others: Counts


class Burst(NamedTuple):
    """All objects at once: from bucket ``at`` for ``length`` buckets, ``times`` as many."""

    at: int
    length: int
    times: float


class World(NamedTuple):
    """Rates per bucket, (objects, buckets), and the rhythm, (buckets,), whose mean is 1."""

    rhythm: Rates
    negatives: Rates
    others: Rates


def rhythm(buckets: int) -> Rates:
    """24 hours and weekends of Moscow; mean 1."""
    local = START + np.arange(buckets) * STEP + 3 * HOUR
    daily = 1 + 0.7 * np.sin((local / HOUR % 24 - 9) / 12 * np.pi)
    weekend = (local // DAY + 3) % 7 >= 5
    rate = daily * np.where(weekend, 0.75, 1.0)
    return np.asarray(rate / rate.mean())


def world(
    rng: np.random.Generator,
    base: float,
    objects: int,
    weeks: int,
    share_sd: float = 0.0,
    share_buckets: float = 0.0,
) -> World:
    """Rates of quiet weeks.

    Args:
        base: negatives per bucket on average.
        share_sd: standard deviation of the logarithm of the share of negatives.
        share_buckets: time constant of that noise, in buckets; 0: every bucket anew.
    """
    buckets = weeks * WEEK
    rate = rhythm(buckets)
    shape = (objects, buckets)

    def noise(variance: float) -> Rates:
        return rng.gamma(1 / variance, variance, shape)

    both = rate * noise(NOISE_BOTH)
    off = np.zeros(shape)
    if share_sd:
        keep = float(np.exp(-1 / share_buckets)) if share_buckets else 0.0
        shocks = rng.normal(0, share_sd, shape)
        off[:, 0] = shocks[:, 0]
        for at in range(1, buckets):
            off[:, at] = keep * off[:, at - 1] + np.sqrt(1 - keep * keep) * shocks[:, at]
    negatives = base * both * noise(NOISE_N) * np.exp(off - share_sd * share_sd / 2)
    return World(rate, negatives, base * (1 - SHARE) / SHARE * both * noise(NOISE_V))


def talk(rng: np.random.Generator, rates: World) -> Talk:
    """Counts of quiet weeks."""
    return Talk(rng.poisson(rates.negatives), rng.poisson(rates.others))


def raised(
    rng: np.random.Generator, rates: World, quiet: Talk, bursts: list[Burst], *, others: bool = False
) -> Talk:
    """``quiet`` with ``bursts`` of negatives; of ``others`` too, that is a launch."""
    negatives, rest = quiet.negatives.copy(), quiet.others.copy()
    for at, length, times in bursts:
        span = slice(at, at + length)
        negatives[:, span] = rng.poisson(rates.negatives[:, span] * times)
        if others:
            rest[:, span] = rng.poisson(rates.others[:, span] * times)
    return Talk(negatives, rest)


def late(rng: np.random.Generator, counts: Talk, part: float, most: int) -> Talk:
    """A ``part`` of all mentions is counted up to ``most`` buckets late (the worst case: on arrival)."""
    moved = []
    for series in counts:
        away = rng.binomial(series, part)
        kept = series - away
        for delay in range(1, most + 1):
            share = rng.binomial(away, 1 / (most - delay + 1))
            away = away - share
            kept[:, delay:] += share[:, :-delay]
        moved.append(kept)
    return Talk(*moved)


def gaps(counts: Talk, every: int, length: int) -> Talk:
    """The source is silent for ``length`` buckets in ``every``, after the weeks of learning."""
    negatives, others = counts.negatives.copy(), counts.others.copy()
    for at in range(LEARNING_WEEKS * WEEK, negatives.shape[1], every):
        negatives[:, at : at + length] = 0
        others[:, at : at + length] = 0
    return Talk(negatives, others)


def starts(rate: Rates, apart: int) -> list[int]:
    """Buckets near the mean rate, ``apart`` from each other, in which a burst may begin."""
    first, last = LEARNING_WEEKS * WEEK, len(rate) - 12 * HOUR // STEP
    return [at for at in range(first, last, apart) if 0.8 < rate[at] < 1.25]
