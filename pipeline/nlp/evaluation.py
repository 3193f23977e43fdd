"""Scores of a sentiment model on labelled examples: F1 per class, the measures of the field, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.corpora import CORPORA, Example
from pipeline.nlp.sentiment import LABELS, SentimentModel

_BINS = 15


@dataclass(frozen=True)
class Score:
    """``f1`` per label; ``macro`` is their mean; ``polar`` the mean of negative and positive (F+-).

    ``calibration_error`` is the expected calibration error (Guo et al. 2017) in 15 bins.
    """

    examples: int
    f1: dict[str, float]
    precision: dict[str, float]
    recall: dict[str, float]
    macro: float
    polar: float
    calibration_error: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def probabilities(model: SentimentModel, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Probabilities of the examples' labels, (examples, 3): toward the object where they have one."""
    rows = [
        model.object_probabilities(example.text, example.spans)
        if example.about
        else model.text_probabilities(example.text)
        for example in examples
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, len(LABELS))


def score(predicted: NDArray[np.float64], examples: Sequence[Example]) -> Score:
    """Compare probabilities, (examples, 3), with the labels."""
    labels = np.array([LABELS.index(example.label) for example in examples])
    chosen = predicted.argmax(axis=1)
    f1: dict[str, float] = {}
    precision: dict[str, float] = {}
    recall: dict[str, float] = {}
    for index, name in enumerate(LABELS):
        hits = int(((chosen == index) & (labels == index)).sum())
        precision[name] = _round(hits / max(1, int((chosen == index).sum())))
        recall[name] = _round(hits / max(1, int((labels == index).sum())))
        f1[name] = _round(2 * hits / max(1, int((chosen == index).sum() + (labels == index).sum())))
    return Score(
        examples=len(examples),
        f1=f1,
        precision=precision,
        recall=recall,
        macro=_round(sum(f1.values()) / 3),
        polar=_round((f1["negative"] + f1["positive"]) / 2),
        calibration_error=_round(_calibration_error(predicted, chosen == labels)),
    )


def by_domain(model: SentimentModel, examples: Sequence[Example]) -> dict[str, Score]:
    """Scores per kind of text (banks, telecom, news) and, for texts without an object, per data set."""
    domains: dict[str, list[Example]] = {}
    for example in examples:
        corpus = CORPORA[example.corpus]
        domains.setdefault(corpus.domain if example.about else corpus.name, []).append(example)
    return {
        domain: score(probabilities(model, members), members) for domain, members in sorted(domains.items())
    }


def _calibration_error(predicted: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    if not len(predicted):
        return 0.0
    confidence = predicted.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in range(_BINS)]
    return float(sum(gaps)) / len(predicted)


def _round(value: float) -> float:
    return round(float(value), 4)
