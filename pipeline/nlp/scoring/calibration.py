"""Whether probabilities mean what they say: expected calibration error, reliability bins, Brier score."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pipeline.nlp.scoring.classification import Floats, Integers, rounded

BINS = 15


class Bin(NamedTuple):
    """Answers whose probability lies in [``low``, ``high``): how sure the model was, how often right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


class Calibration(NamedTuple):
    """``error`` is the expected calibration error (Guo et al. 2017) of the answers in 15 bins of equal width.

    ``brier`` is the mean squared distance between the probabilities and the label as a unit vector, 0 to 2
    (Brier 1950); it falls both with better order and with better calibration.
    """

    error: float
    brier: float
    bins: list[Bin]

    def as_json(self) -> dict[str, Any]:
        """Bins without rows are left out."""
        return {
            "ece": rounded(self.error),
            "brier": rounded(self.brier),
            "reliability": [
                {name: _short(value) for name, value in item._asdict().items()} for item in self.bins
            ],
        }


def calibration(probabilities: Floats, labels: Integers) -> Calibration:
    """Of probabilities, (rows, classes), and the right classes; at least one row."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(places, minlength=BINS)
    sure = np.bincount(places, confidence, BINS)
    hits = np.bincount(places, right, BINS)
    truth = np.eye(probabilities.shape[1])[labels]
    return Calibration(
        error=float(np.abs(sure - hits).sum() / len(labels)),
        brier=float(((probabilities - truth) ** 2).sum(axis=1).mean()),
        bins=[
            Bin(at / BINS, (at + 1) / BINS, int(rows[at]), sure[at] / rows[at], hits[at] / rows[at])
            for at in range(BINS)
            if rows[at]
        ],
    )


def _short(value: float) -> float:
    return value if isinstance(value, int) else round(float(value), 4)
