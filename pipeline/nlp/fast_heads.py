"""The two heads of the fast sentiment tier, of whole texts and toward objects: fitted, balanced, calibrated.

Only training imports this module. What is chosen here is chosen on inner folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from pipeline.nlp import fitting
from pipeline.nlp.example import Example
from pipeline.nlp.fast_design import BUCKETS, Matrix
from pipeline.nlp.fitting import Array, Head, Task
from pipeline.nlp.tiers import CLASSES, LABELS, softmax

COST = 0.1
"""Inverse regularisation of the SVM; 0.05 and 0.2 were no better on inner folds."""

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_NEVER = -20.0
"""The score of a class that no example has."""


@dataclass(frozen=True)
class Fitted:
    """A head for `fast_weights.Weights`: columns of the table, (buckets, n), and of the vectors, (300, n)."""

    table: Array
    vectors: Array
    bias: Array
    temperature: float
    chosen: dict[str, Any]
    """What inner folds chose, and the scores there, for the report."""


def of_texts(
    blocks: Sequence[Matrix], examples: Sequence[Example], folds: Array, seed: int
) -> tuple[Fitted, Head]:
    """The head of whole texts: a model of three labels from all texts, one of five classes where they are.

    The scores are those of the second plus a share of the first. Without examples of the five classes, speech
    and skip never come. Also gives the first model, for `of_objects`.
    """
    design = _side_by_side(blocks)
    labels = np.array([LABELS.index(example.label) for example in examples])
    every = np.ones(len(labels))
    general = fitting.fit(Task(design, np.eye(3)[labels], every, folds), COST, seed)
    fine = np.array([bool(example.fine) for example in examples])
    if not fine.any():
        head, share = _widened(general), 1.0
        classes, scores = labels, general.out_of_fold
    else:
        classes = np.array([CLASSES.index(example.fine) for example in examples if example.fine])
        special = fitting.fit(Task(design[fine], np.eye(5)[classes], every[fine], folds[fine]), COST, seed)
        other = _widened(replace(general, out_of_fold=general.out_of_fold[fine]), 0.0)
        share = max(
            _SHARES, key=lambda share: _of_classes(special.out_of_fold + share * other.out_of_fold, classes)
        )
        head = _sum(special, other, share)
        scores = head.out_of_fold
    offset = fitting.offsets(scores, lambda some: _of_classes(some, classes))
    scores = scores + offset
    temperature = fitting.temperature(scores, classes)
    bias = head.bias + np.pad(offset, (0, len(CLASSES) - len(offset)))
    aside = _aside(softmax(scores / temperature), classes)
    found = {
        "share_of_the_general_model": share,
        "speech_and_skip_as_neutral": aside,
        "inner_score": round(_of_classes(scores, classes), 4),
    }
    return Fitted(head.weights[:BUCKETS], head.weights[BUCKETS:], bias, temperature, found), general


def of_objects(
    blocks: Sequence[Matrix],
    examples: Sequence[Example],
    folds: Array,
    domains: Array,
    judged: Array,
    general: Head,
    seed: int,
) -> Fitted:
    """The head toward objects: columns of the whole text, then of what is near the object.

    To the scores of the whole text is added a share of those that the general model of texts gives.

    Args:
        blocks: three of the whole text, three of what is near.
        domains: the kind of text of each example: each kind weighs the same in the choice of the offsets.
        judged: examples that count there and in the calibration.
        general: see `of_texts`.
    """
    labels = np.array([LABELS.index(example.label) for example in examples])
    texts = _side_by_side(blocks[:3])
    design = sp.hstack([texts, _side_by_side(blocks[3:])]).tocsr()
    own = fitting.fit(Task(design, np.eye(3)[labels], np.ones(len(labels)), folds), COST, seed)
    other = general.elsewhere(texts, folds)
    rows = [np.flatnonzero(judged & (domains == domain)) for domain in sorted(set(domains[judged]))]

    def measure(scores: Array) -> float:
        chosen = scores.argmax(axis=1)
        return float(np.mean([fitting.f1(chosen[some], labels[some], 3)[[0, 2]].mean() for some in rows]))

    share = max(_SHARES, key=lambda share: measure(own.out_of_fold + share * other))
    scores = own.out_of_fold + share * other
    offset = fitting.offsets(scores, measure)
    found = {
        "share_of_the_general_model": share,
        "inner_score_alone": round(measure(own.out_of_fold), 4),
        "inner_score": round(measure(scores + offset), 4),
    }
    text, near = own.weights[: texts.shape[1]] + share * general.weights, own.weights[texts.shape[1] :]
    return Fitted(
        table=np.hstack([text[:BUCKETS], near[:BUCKETS]]),
        vectors=np.hstack([text[BUCKETS:], near[BUCKETS:]]),
        bias=own.bias + share * general.bias + offset,
        temperature=fitting.temperature((scores + offset)[judged], labels[judged]),
        chosen=found,
    )


def _side_by_side(blocks: Sequence[Matrix]) -> Matrix:
    """Words, pairs and letters in the same columns (their buckets), then the vectors."""
    own, letters, vectors = blocks
    return sp.hstack([own + letters, vectors]).tocsr()


def _widened(head: Head, missing: float = _NEVER) -> Head:
    """A head of three labels as one of the five classes."""
    room = ((0, 0), (0, len(CLASSES) - len(LABELS)))
    return Head(
        weights=np.pad(head.weights, room),
        bias=np.pad(head.bias, room[1], constant_values=missing),
        out_of_fold=np.pad(head.out_of_fold, room, constant_values=missing),
    )


def _sum(one: Head, other: Head, share: float) -> Head:
    return Head(
        one.weights + share * other.weights,
        one.bias + share * other.bias,
        one.out_of_fold + share * other.out_of_fold,
    )


def _of_classes(scores: Array, classes: Array) -> float:
    """The mean of macro F1 over all classes and over the three labels where nothing else is right."""
    width = scores.shape[1]
    every = fitting.f1(scores.argmax(axis=1), classes, width).mean()
    three = classes < len(LABELS)
    labels = fitting.f1(scores[three, : len(LABELS)].argmax(axis=1), classes[three], len(LABELS)).mean()
    return float(every + labels) / 2


def _aside(probabilities: Array, classes: Array) -> float:
    """The share of speech and skip to count as neutral, best for macro F1 of the three labels."""
    three = classes < len(LABELS)
    labels, other = probabilities[three, : len(LABELS)], probabilities[three, len(LABELS) :].sum(axis=1)

    def macro(share: float) -> float:
        chosen = (labels + share * other[:, np.newaxis] * (np.arange(len(LABELS)) == 1)).argmax(axis=1)
        return float(fitting.f1(chosen, classes[three], len(LABELS)).mean())

    return max(_SHARES, key=macro)
