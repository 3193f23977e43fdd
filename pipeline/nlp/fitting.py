"""Fits one head of the fast sentiment tier: linear SVM, choice of C, offsets of the classes, temperature.

Only training imports this module; it needs the extra ``train`` (scikit-learn, scipy).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.svm import LinearSVC

from pipeline.nlp.parts import FOLDS

TOLERANCE = 0.1  # liblinear's own default; 0.001 changes no score and takes three times as long
_LEAST = 0.05
"""A smaller probability of a soft label is not learned from."""

_STEPS = np.linspace(-0.4, 0.4, 17)

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What a head learns from, a row per example."""

    design: Any
    """(rows, columns), sparse."""
    targets: Array
    """(rows, classes): probabilities of the classes; a label is a row with one 1."""
    weights: Array
    folds: Array
    """0 to `FOLDS` - 1."""


@dataclass(frozen=True)
class Head:
    """A fitted head, (columns, classes) and (classes,), and the scores of each row by a model without it.

    ``partial`` are the weights and the bias of the models without each fold.
    """

    weights: Array
    bias: Array
    out_of_fold: Array
    partial: tuple[tuple[Array, Array], ...] = ()

    def elsewhere(self, design: Any, folds: Array) -> Array:
        """The scores of other rows by the models that have not seen their fold."""
        scores = np.zeros((design.shape[0], len(self.bias)))
        for fold, (weights, bias) in enumerate(self.partial):
            scores[folds == fold] = design[folds == fold] @ weights + bias
        return scores


def fit(task: Task, cost: float, seed: int) -> Head:
    """Fit on everything, and, for the scores, on everything but each fold in turn.

    Raises:
        ValueError: a class is missing from the examples.
    """
    machines = [_machine(task, np.flatnonzero(task.folds != fold), cost, seed) for fold in range(FOLDS)]
    machine = _machine(task, np.arange(len(task.folds)), cost, seed)
    partial = tuple((other.coef_.T, other.intercept_) for other in machines)
    head = Head(machine.coef_.T, machine.intercept_, np.zeros(0), partial)
    return replace(head, out_of_fold=head.elsewhere(task.design, task.folds))


def _machine(task: Task, kept: Array, cost: float, seed: int) -> Any:
    """Balanced classes; a soft label is learned as one example per probable class."""
    rows, labels = np.nonzero(task.targets[kept] > _LEAST)
    rows = kept[rows]
    weights = task.weights[rows] * task.targets[rows, labels]
    classes = task.targets.shape[1]
    if len(set(labels)) < classes:
        raise ValueError("a label is missing from the examples of a fold: more data is needed")
    sums = np.bincount(labels, weights, classes)
    weights = weights * (weights.sum() / classes / sums)[labels]
    machine = LinearSVC(C=cost, random_state=seed, tol=TOLERANCE, max_iter=5000)
    return machine.fit(task.design[rows], labels, sample_weight=weights)


def offsets(scores: Array, measure: Callable[[Array], float]) -> Array:
    """What to add to the scores of the classes, (classes,), so that the measure of them is best.

    Two rounds over the classes, each moved in steps of 0.05 by at most 0.4.
    """
    best = np.zeros(scores.shape[1])
    for _ in range(2):
        for label in range(scores.shape[1]):
            tried = [best + step * (np.arange(len(best)) == label) for step in _STEPS]
            values = [measure(scores + offset) for offset in tried]
            best = tried[int(np.argmax(values))] if max(values) > measure(scores + best) else best
    centred: Array = best - best.mean()
    return centred


def temperature(scores: Array, labels: Array) -> float:
    """The temperature with the least negative log-likelihood of held-out scores (Guo et al. 2017)."""

    def loss(log_temperature: float) -> float:
        logits = scores / np.exp(log_temperature)
        logits = logits - logits.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(logits).sum(axis=1))
        return float(np.mean(normaliser - logits[np.arange(len(labels)), labels]))

    return float(np.exp(minimize_scalar(loss, bounds=(-4, 4), method="bounded").x))


def f1(chosen: Array, labels: Array, classes: int) -> Array:
    """The F1 of each class, (classes,); 0 where neither has it."""
    hits = np.bincount(labels[chosen == labels], minlength=classes)
    both = np.bincount(chosen, minlength=classes) + np.bincount(labels, minlength=classes)
    result: Array = 2 * hits / np.maximum(both, 1)
    return result
