"""Scores of a sentiment model on labelled examples: F1 per class, the measures of the field, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.corpora import CORPORA, Example
from pipeline.nlp.scoring.calibration import calibration
from pipeline.nlp.scoring.classification import confusion, measures
from pipeline.nlp.tiers import CLASSES, LABELS, Question, Tier


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


def probabilities(model: Tier, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Probabilities of the examples' labels, (examples, 3): toward the object where they have one."""
    found = model.toward([Question(example.text, example.spans, example.about) for example in examples])
    whole = [index for index, example in enumerate(examples) if not example.about]
    found[whole] = model.whole([examples[index].text for index in whole])
    return found.astype(np.float64)


def score(predicted: NDArray[np.float64], right: Sequence[int], names: Sequence[str]) -> Score:
    """Compare probabilities, (examples, names), with the classes that are right (their indexes)."""
    labels = np.asarray(right, np.int64)
    table = confusion(labels, predicted.argmax(axis=1), len(names))
    found = measures(table, (names.index("negative"), names.index("positive")))
    f1, precision, recall = (
        {name: _round(value) for name, value in zip(names, np.nan_to_num(values), strict=True)}
        for values in (found.f1, found.precision, found.recall)
    )
    return Score(
        examples=len(labels),
        f1=f1,
        precision=precision,
        recall=recall,
        macro=_round(sum(f1.values()) / len(names)),
        polar=_round((f1["negative"] + f1["positive"]) / 2),
        calibration_error=_round(calibration(predicted, labels).error if len(labels) else 0.0),
    )


def by_domain(model: Tier, examples: Sequence[Example]) -> dict[str, Score]:
    """Scores per kind of text (banks, telecom, news) and, for texts without an object, per data set.

    Of RuSentiTweet two: over its five classes, and over three labels without the rows of speech and skip.
    """
    domains: dict[str, list[Example]] = {}
    for example in examples:
        corpus = CORPORA[example.corpus]
        domain = corpus.domain if example.about else corpus.name
        if example.fine in ("", *LABELS):
            domains.setdefault(domain, []).append(example)
    scores = {
        domain: score(
            probabilities(model, members), [LABELS.index(example.label) for example in members], LABELS
        )
        for domain, members in sorted(domains.items())
    }
    fine = [example for example in examples if example.fine]
    if fine:
        classes = [CLASSES.index(example.fine) for example in fine]
        found = model.classes([example.text for example in fine]).astype(np.float64)
        scores[f"{fine[0].corpus}, five classes"] = score(found, classes, CLASSES)
    return scores


def _round(value: float) -> float:
    return round(float(value), 4)
