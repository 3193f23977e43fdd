"""Calibrates the scores of the strong tier on examples that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from pipeline.nlp.strong.material import Item
from pipeline.nlp.strong.source import Floats
from pipeline.nlp.tiers import as_labels

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
    right = np.array([item.right[0] for item in items])
    certain = np.array([len(item.right) == 1 for item in items])
    scores, right = scores[certain].astype(np.float64), right[certain]
    found = minimize_scalar(
        lambda t: _log_loss(scores / np.exp(t), right), bounds=(-1.5, 1.5), method="bounded"
    )
    temperature = float(np.exp(found.x))
    rarity = -np.log(np.maximum(np.bincount(right, minlength=scores.shape[1]) / len(right), 1e-3))
    rarity -= rarity.mean()
    best = max(
        _LEANS, key=lambda lean: mean_f1((scores / temperature + lean * rarity).argmax(1), right, judged)
    )
    return Calibration(temperature, [round(float(value), 4) for value in best * rarity], best)


def aside(probabilities: Floats, items: Sequence[Item]) -> float:
    """The share of speech and skip that counts as neutral with the best macro F1 (`tiers.as_labels`)."""
    right = np.array([item.right[0] for item in items])
    plain = np.array([len(item.right) == 1 and item.right[0] < 3 for item in items])
    if not plain.any():
        return 1.0
    return max(
        _SHARES,
        key=lambda share: mean_f1(as_labels(probabilities[plain], share).argmax(1), right[plain], range(3)),
    )


def mean_f1(chosen: Floats, right: Floats, judged: Sequence[int]) -> float:
    """The mean F1 of some labels."""
    scores = [
        2
        * ((chosen == label) & (right == label)).sum()
        / max(1, (chosen == label).sum() + (right == label).sum())
        for label in judged
    ]
    return float(sum(scores) / len(scores))


def _log_loss(scores: Floats, right: Floats) -> float:
    top = scores.max(axis=1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(right)), right].mean())
