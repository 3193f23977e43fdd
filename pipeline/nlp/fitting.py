"""Fits one head of the sentiment model: design matrices, linear SVM, choice of C, temperature.

Only training imports this module; it needs the extra ``train`` (scikit-learn, scipy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from pipeline.nlp import features

COSTS = (0.25, 0.5)
"""Candidates for the inverse regularisation of the SVM."""

FOLDS = 3
TOLERANCE = 0.1  # liblinear's own default; 0.001 changes no score and takes three times as long
NEAR = 1.5
"""Weight of the features near the object: the more, the less they are regularised."""

OWN = 0.7
"""Weight of the features' second copy for examples of the head's own kind (Daumé 2007, EasyAdapt)."""

_BUCKETS = 1 << features.BITS

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What a head learns from, one row per example: ``judged`` rows decide about C and calibration."""

    design: Any
    """(rows, a multiple of the buckets), sparse."""
    labels: Array
    judged: Array
    folds: Array
    """0 to `FOLDS` - 1."""
    domains: Array


@dataclass(frozen=True)
class Fitted:
    """A head: ``weights`` has a column per label for each block of the design."""

    weights: Array
    bias: Array
    temperature: float
    cost: float
    inner_macro: dict[str, float]
    """Mean macro F1 over the domains, on the inner folds, per candidate C."""


def matrix(items: Sequence[tuple[Sequence[str], Sequence[int]]]) -> Any:
    """Rows of feature counts over the root of their sum, from tokens and pairs: `SentimentModel._sum`."""
    buckets: dict[str, Array] = {}
    rows = []
    for keys, pairs in items:
        for key in keys:
            if key not in buckets:
                buckets[key] = np.array(features.features(key), dtype=np.int32)
        rows.append(np.concatenate([*(buckets[key] for key in keys), np.array(pairs, dtype=np.int32)]))
    sizes = np.array([len(row) for row in rows])
    indices = np.concatenate(rows).astype(np.int32)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    counts = sp.csr_matrix(
        (values, indices, np.concatenate([[0], np.cumsum(sizes)])), shape=(len(rows), _BUCKETS)
    )
    counts.sum_duplicates()
    return counts


def adapted(rows: Any, own: Array) -> list[Any]:
    """The rows, and their copy where they are of the head's own kind; `merge` undoes it."""
    return [rows, sp.diags_array(own * OWN).tocsr() @ rows]


def side_by_side(blocks: Sequence[Any]) -> Any:
    """Blocks of columns as one design."""
    return sp.hstack(blocks).tocsr()


def fit(task: Task, seed: int) -> Fitted:
    """Choose C on the inner folds, fit on everything, scale the scores to probabilities.

    Raises:
        ValueError: a label is missing from the examples.
    """
    candidates = {cost: _out_of_fold(task, cost, seed) for cost in COSTS}
    inner = {cost: _macro(task, scores) for cost, scores in candidates.items()}
    cost = max(inner, key=inner.__getitem__)
    machine = _machine(cost, seed).fit(task.design, task.labels)
    return Fitted(
        weights=machine.coef_.T,
        bias=machine.intercept_,
        temperature=_temperature(candidates[cost][task.judged], task.labels[task.judged]),
        cost=cost,
        inner_macro={str(candidate): round(value, 4) for candidate, value in inner.items()},
    )


def merge(weights: Array) -> Array:
    """Weights of an `adapted` design, (2 * buckets, 3), as those that hold for the own kind."""
    merged: Array = weights[:_BUCKETS] + OWN * weights[_BUCKETS : 2 * _BUCKETS]
    return merged


def _machine(cost: float, seed: int) -> Any:
    return LinearSVC(C=cost, class_weight="balanced", random_state=seed, tol=TOLERANCE, max_iter=5000)


def _out_of_fold(task: Task, cost: float, seed: int) -> Array:
    scores = np.zeros((len(task.labels), 3))
    for fold in range(FOLDS):
        left_out = task.folds == fold
        machine = _machine(cost, seed).fit(task.design[~left_out], task.labels[~left_out])
        if len(machine.classes_) != 3:
            raise ValueError("a label is missing from the examples of a fold: more data is needed")
        scores[left_out] = machine.decision_function(task.design[left_out])
    return scores


def _macro(task: Task, scores: Array) -> float:
    values = []
    for domain in sorted(set(task.domains[task.judged])):
        chosen = task.judged & (task.domains == domain)
        values.append(
            f1_score(task.labels[chosen], scores[chosen].argmax(axis=1), average="macro", zero_division=0)
        )
    return float(np.mean(values))


def _temperature(scores: Array, labels: Array) -> float:
    """The temperature with the least negative log-likelihood of held-out scores (Guo et al. 2017)."""

    def loss(log_temperature: float) -> float:
        logits = scores / np.exp(log_temperature)
        logits = logits - logits.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(logits).sum(axis=1))
        return float(np.mean(normaliser - logits[np.arange(len(labels)), labels]))

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))
