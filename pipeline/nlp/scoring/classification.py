"""Confusion tables and what is computed from them: precision, recall, F1, their means; pure numpy.

Every function takes one table or a stack of them, so that the bootstrap costs one call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Measures(NamedTuple):
    """Of one confusion table (``...`` is nothing) or of a stack; NaN where it is not defined.

    ``precision``, ``recall`` and ``f1`` are (..., classes), the others (...).
    """

    precision: Floats
    """NaN for a class that was never answered."""
    recall: Floats
    """NaN for a class that no row has."""
    f1: Floats
    """NaN for a class that no row has and that was never answered."""
    macro: Floats
    """Mean F1 of the classes whose F1 is defined."""
    polar: Floats
    """F+-, the measure of SentiRuEval and RuSentNE: mean F1 of negative and positive."""
    micro_polar: Floats
    """F1 of negative and positive with their hits, answers and rows added up (SentiRuEval's F micro)."""
    accuracy: Floats
    """Share right; over all classes the same as micro F1."""


def confusion(labels: Integers, answers: Integers, classes: int) -> Integers:
    """How often each label (row) got each answer (column), (classes, classes)."""
    return np.bincount(labels * classes + answers, minlength=classes * classes).reshape(classes, classes)


def confusion_by_group(labels: Integers, answers: Integers, groups: Integers, classes: int) -> Integers:
    """A confusion table per group, (groups, classes, classes); ``groups`` are numbers from 0."""
    count = int(groups.max()) + 1 if len(groups) else 0
    cell = (groups * classes + labels) * classes + answers
    return np.bincount(cell, minlength=count * classes * classes).reshape(count, classes, classes)


def measures(table: NDArray[Any], polar: tuple[int, int]) -> Measures:
    """The measures of confusion tables, (..., classes, classes); ``polar`` are the classes of F+-."""
    counts = np.asarray(table, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    rows, answers = counts.sum(-1), counts.sum(-2)
    f1 = ratio(2 * hits, rows + answers)
    ends = list(polar)
    return Measures(
        precision=ratio(hits, answers),
        recall=ratio(hits, rows),
        f1=f1,
        macro=ratio(np.nansum(f1, -1), (~np.isnan(f1)).sum(-1)),
        polar=np.nan_to_num(f1[..., ends]).mean(-1),
        micro_polar=ratio(2 * hits[..., ends].sum(-1), (rows + answers)[..., ends].sum(-1)),
        accuracy=ratio(hits.sum(-1), rows.sum(-1)),
    )


def mean_f1(chosen: NDArray[Any], right: NDArray[Any], judged: Sequence[int]) -> float:
    """The mean F1 of the classes ``judged``; 0 for one that neither has."""
    classes = max(int(max(chosen.max(initial=0), right.max(initial=0))), *judged) + 1
    counts = confusion(right.astype(np.int64), chosen.astype(np.int64), classes)
    return float(np.nan_to_num(measures(counts, (0, 0)).f1)[list(judged)].mean())


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """``part / whole``, NaN where ``whole`` is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    found: Floats = np.divide(
        part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan), where=whole != 0
    )
    return found


def rounded(value: float | np.floating[Any] | NDArray[Any]) -> float | None:
    """Four digits of a number (or an array of one) for a report; NaN is None."""
    number = float(value)
    return None if math.isnan(number) else round(number, 4)
