"""Calibrates the scores of the strong tier on examples that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from pipeline.nlp.scoring.classification import mean_f1
from pipeline.nlp.strong.material import Item
from pipeline.nlp.strong.source import Floats
from pipeline.nlp.tiers import LABELS, as_labels

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEANS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Calibration:
    """``bias`` is added to the scores after their division by ``temperature``; ``lean`` says how it was
    made."""

    temperature: float
    bias: list[float]
    lean: float


def calibrate(scores: Floats, items: Sequence[Item], judged: Sequence[int]) -> Calibration:
    """The temperature of the least log loss (Guo et al. 2017), then the lean toward rare labels of the best
    F1.

    The bias is ``-lean * log(share of the label)``: one number to choose instead of one per label (logit
    adjustment, Menon et al. 2021).

    Args:
        scores: (items, labels).
        judged: the labels whose mean F1 decides on the lean.
    """
    right = _right(items, scores.shape[1])
    first = np.array([item.right[0] for item in items])
    scores = scores.astype(np.float64)
    found = minimize_scalar(
        lambda t: _log_loss(scores / np.exp(t), right), bounds=(-1.5, 1.5), method="bounded"
    )
    temperature = float(np.exp(found.x))
    judges = _judges(items)
    counts = np.bincount(first[judges], minlength=scores.shape[1])
    rarity = -np.log(np.maximum(counts, 1) / judges.sum())
    rarity[counts == 0] = rarity[counts > 0].mean()
    rarity -= rarity.mean()

    def measure(lean: float) -> float:
        chosen = (scores / temperature + lean * rarity).argmax(axis=1)
        said = np.where(right[np.arange(len(chosen)), chosen], first, chosen)
        return mean_f1(said[judges], first[judges], judged)

    best = max(_LEANS, key=measure)
    return Calibration(temperature, [round(float(value), 4) for value in best * rarity], best)


def aside(probabilities: Floats, items: Sequence[Item]) -> float:
    """The share of speech and skip that counts as neutral with the best macro F1 (`tiers.as_labels`).

    Where no example tells them from neutral, they are a part of it.
    """
    right = np.array([item.right[0] for item in items])
    if right.max(initial=0) < len(LABELS):
        return 1.0
    plain = (right < len(LABELS)) & _judges(items)
    return max(
        _SHARES,
        key=lambda share: mean_f1(as_labels(probabilities[plain], share).argmax(1), right[plain], range(3)),
    )


def _judges(items: Sequence[Item]) -> NDArray[np.bool_]:
    """The examples of data sets that have all the classes; every example where none has."""
    whole = {item.corpus for item in items if item.right[0] >= len(LABELS)}
    return np.array([not whole or item.corpus in whole for item in items])


def _right(items: Sequence[Item], width: int) -> NDArray[np.bool_]:
    """Which labels are right, (items, labels)."""
    right = np.zeros((len(items), width), bool)
    for row, item in enumerate(items):
        right[row, list(item.right)] = True
    return right


def _log_loss(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The mean negative logarithm of the probability of what is right; several right labels add up."""
    logs = scores - logsumexp(scores, axis=1, keepdims=True)
    return float(-logsumexp(np.where(right, logs, -np.inf), axis=1).mean())
