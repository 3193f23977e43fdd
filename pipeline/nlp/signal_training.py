"""Trains the model of post type and aspects from the project's own examples and reports its scores.

``python -m pipeline.nlp.signal_training`` writes the weights; needs the extra ``train`` (scikit-learn).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report, confusion_matrix, f1_score

from pipeline.core.signals.reading import read
from pipeline.nlp.signal_features import features
from pipeline.nlp.signals import ASPECTS, OPINIONS, TYPES, WEIGHTS, Weights

DATA: Final = Path(__file__).with_name("data")
FOLDS: Final = 5
COST_TYPE: Final = 8.0
COST_ASPECT: Final = 4.0
LEAST_GROUPS: Final = 2
"""A feature of fewer groups of examples is not learned."""

_FROM_SENTIMENT: Final = {"ads": "offer", "jobs": "job", "headlines": "news"}
_OF_LABEL: Final = {"negative": "complaint", "positive": "praise"}


@dataclass(frozen=True)
class Labelled:
    """An example; ``aspects`` is None where they were not labelled."""

    text: str
    type: str
    aspects: tuple[str, ...] | None
    group: str


def examples(folder: Path = DATA) -> list[Labelled]:
    """The examples of ``signals.jsonl``, and of ``examples.jsonl`` those whose phenomenon tells the type."""
    rows = [json.loads(line) for line in (folder / "signals.jsonl").read_text("utf-8").splitlines()]
    found = [
        Labelled(row["text"], row["type"], tuple(row["aspects"]) if "aspects" in row else None, row["group"])
        for row in rows
    ]
    seen: Counter[str] = Counter()
    for line in (folder / "examples.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        kind = _FROM_SENTIMENT.get(row["phenomenon"])
        if kind is None and row["phenomenon"] == "reviews":
            kind = _OF_LABEL.get(row["label"])
        if kind is not None and not seen[row["group"]]:
            seen[row["group"]] += 1
            found.append(Labelled(row["text"], kind, None, row["group"]))
    return found


def fit(rows: Sequence[Labelled]) -> Weights:
    """Fit both models on the examples."""
    named = [features(read(row.text)) for row in rows]
    groups: dict[str, set[str]] = {}
    for row, names in zip(rows, named, strict=True):
        for name in names:
            groups.setdefault(name, set()).add(row.group)
    kept = sorted(name for name, holders in groups.items() if len(holders) >= LEAST_GROUPS)
    vocabulary = {name: number for number, name in enumerate(kept)}
    design = _design(named, vocabulary)
    matrix = np.zeros((len(kept), len(TYPES) + len(ASPECTS)))
    bias = np.zeros(len(TYPES) + len(ASPECTS))
    types = _logistic(COST_TYPE).fit(design, [TYPES.index(row.type) for row in rows])
    matrix[:, : len(TYPES)], bias[: len(TYPES)] = types.coef_.T, types.intercept_
    judged = [index for index, row in enumerate(rows) if row.aspects is not None]
    for column, aspect in enumerate(ASPECTS, len(TYPES)):
        truth = [aspect in (rows[index].aspects or ()) for index in judged]
        model = _logistic(COST_ASPECT).fit(design[judged], truth)
        matrix[:, column], bias[column] = model.coef_[0], model.intercept_[0]
    return Weights(vocabulary, matrix.astype(np.float32), bias.astype(np.float32))


def _logistic(cost: float) -> Any:
    return LogisticRegression(C=cost, class_weight="balanced", max_iter=2_000, tol=1e-6)


def _design(named: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Any:
    """Rows of ones, each divided by the root of its number of known features; (texts, features), sparse."""
    rows = [sorted({vocabulary[name] for name in names if name in vocabulary}) for names in named]
    values = [1 / np.sqrt(len(row)) for row in rows for _ in row]
    starts = np.cumsum([0, *map(len, rows)])
    flat = [number for row in rows for number in row]
    return sp.csr_matrix((values, flat, starts), shape=(len(rows), len(vocabulary)))


def cross_validated(rows: Sequence[Labelled]) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of types and aspects of every example by a model that saw nothing of its group."""
    folds = np.array([crc32(row.group.encode()) % FOLDS for row in rows])
    types, aspects = np.zeros((len(rows), len(TYPES))), np.zeros((len(rows), len(ASPECTS)))
    for fold in range(FOLDS):
        weights = fit([row for row, of in zip(rows, folds, strict=True) if of != fold])
        held = np.flatnonzero(folds == fold)
        named = [features(read(rows[index].text)) for index in held.tolist()]
        types[held], aspects[held] = weights.probabilities(named)
    return types, aspects


def report(rows: Sequence[Labelled]) -> str:
    """Scores of the cross-validation by group, as text."""
    types, aspects = cross_validated(rows)
    truth = np.array([TYPES.index(row.type) for row in rows])
    guess = types.argmax(axis=1)
    lines = [classification_report(truth, guess, target_names=TYPES, digits=3, zero_division=0)]
    lines += ["rows: truth, columns: decided", "  ".join(name[:6] for name in TYPES)]
    lines += [str(confusion_matrix(truth, guess))]
    sure = types.max(axis=1)
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(
        abs(sure[bins == b].mean() - (truth == guess)[bins == b].mean()) * (bins == b).mean()
        for b in set(bins)
    )
    lines.append(f"expected calibration error of the type: {error:.3f}")
    judged = [i for i, row in enumerate(rows) if row.aspects is not None and row.type in OPINIONS]
    for column, name in enumerate(ASPECTS):
        said = np.array([name in (rows[i].aspects or ()) for i in judged])
        found = aspects[judged, column] >= 0.4
        lines.append(f"aspect {name:9s} n {said.sum():3d}  F1 {f1_score(said, found, zero_division=0):.3f}")
    return "\n".join(lines)


def main() -> None:
    """Report, fit on everything, write the weights."""
    rows = examples()
    sys.stdout.write(report(rows) + "\n")
    weights = fit(rows)
    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        WEIGHTS, vocabulary=np.array("\n".join(weights.vocabulary)), matrix=weights.matrix, bias=weights.bias
    )
    sys.stdout.write(f"{len(rows)} examples, {len(weights.vocabulary)} features, written to {WEIGHTS}\n")


if __name__ == "__main__":
    main()
