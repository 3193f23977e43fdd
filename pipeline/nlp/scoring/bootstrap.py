"""Intervals by the bootstrap over groups of near-duplicates: copies of one text are one observation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.scoring.classification import Floats
from pipeline.nlp.splits import group

REPLICATES = 1_000
SEED = 20141107
LEVEL = 0.95
_AT_ONCE = 100
"""Replicates whose draws are held together: 8 MB for 10,000 groups."""


def replicates(counts: NDArray[Any], number: int = REPLICATES, seed: int = SEED) -> Floats:
    """Sums of ``counts``, (groups, ...), over groups drawn with replacement, (number, ...).

    The percentile bootstrap of Efron (1979) with the group as the unit (Field and Welsh 2007).
    """
    flat = counts.reshape(len(counts), -1).astype(np.float64)
    sums = np.concatenate([drawn @ flat for drawn in _draws(len(counts), number, seed)])
    return sums.reshape(number, *counts.shape[1:])


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """The middle ``level`` of the replicates, (number,); NaN replicates are left out, all NaN gives NaN."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def numbered(names: list[str]) -> NDArray[np.int64]:
    """The groups' names as numbers from 0, one per row."""
    found: NDArray[np.int64] = np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(
        np.int64
    )
    return found


def by_near_duplicates(texts: Sequence[str]) -> NDArray[np.int64]:
    """The near-duplicate group of each text, numbered from 0."""
    return numbered(group(texts))


def _draws(groups: int, number: int, seed: int) -> Iterator[Floats]:
    """How often each group is drawn, (replicates, groups), some replicates at a time."""
    generator = np.random.default_rng(seed)
    chances = np.full(groups, 1 / groups)
    for done in range(0, number, _AT_ONCE):
        yield generator.multinomial(groups, chances, min(_AT_ONCE, number - done)).astype(np.float64)
