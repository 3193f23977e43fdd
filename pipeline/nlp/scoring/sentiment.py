"""``molva eval sentiment``: a tier's answers on labelled rows, and the report that compares them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.scoring.bootstrap import SEED, interval, replicates
from pipeline.nlp.scoring.calibration import calibration
from pipeline.nlp.scoring.classification import confusion, confusion_by_group, measures, rounded
from pipeline.nlp.scoring.finding import Finder
from pipeline.nlp.scoring.rows import Labelled
from pipeline.nlp.tiers import CLASSES, LABELS, Question, Tier, answered

BATCH = 256
SCALARS = {"macro_f1": "macro", "polar_f1": "polar", "micro_polar_f1": "micro_polar", "accuracy": "accuracy"}
"""Names in the report -> fields of `Measures`."""

TOWARD, FIVE, THREE = "toward_object", "five_classes", "three_classes"
"""The tables of a report: toward objects; whole texts in all classes; without rows of speech and skip."""


@dataclass(frozen=True)
class Judged:
    """A labelled row and the answer: probabilities of `LABELS`, and of `CLASSES` where the label is one."""

    file: str
    row: Labelled
    three: NDArray[np.float32]
    model: str
    found: str
    five: NDArray[np.float32] | None = None

    @property
    def answer(self) -> str:
        """The most probable class, of five where the row is labelled so."""
        return LABELS[int(self.three.argmax())] if self.five is None else CLASSES[int(self.five.argmax())]

    def as_mistake(self) -> dict[str, Any]:
        """For a look at what goes wrong; holds the text."""
        best = self.three if self.five is None else self.five
        shown = {"file": self.file, "text": self.row.text, "target": self.row.target, "label": self.row.label}
        return {
            **shown,
            "answer": self.answer,
            "probability": round(float(best.max()), 3),
            "model": self.model,
        }


@dataclass(frozen=True)
class Columns:
    """Answered rows as a table needs them: probabilities (rows, classes), labels, groups, model names."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    models: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Scores with 95 % intervals, confusion table, calibration; needs a row."""
        size, answers = len(self.classes), self.probabilities.argmax(axis=1)
        polar = (self.classes.index("negative"), self.classes.index("positive"))
        table = confusion(self.labels, answers, size)
        scores = measures(table, polar)
        by_group = confusion_by_group(self.labels, answers, self.groups, size)
        drawn = measures(replicates(by_group), polar)
        return {
            "rows": len(self.labels),
            "groups": len(by_group),
            **{name: rounded(getattr(scores, of)) for name, of in SCALARS.items()},
            **calibration(self.probabilities, self.labels).as_json(),
            "intervals": {name: _pair(getattr(drawn, of)) for name, of in SCALARS.items()},
            "classes": {
                name: {
                    "rows": int(table[at].sum()),
                    "precision": rounded(scores.precision[at]),
                    "recall": rounded(scores.recall[at]),
                    "f1": rounded(scores.f1[at]),
                    "f1_interval": _pair(drawn.f1[:, at]),
                }
                for at, name in enumerate(self.classes)
            },
            "confusion": {
                name: dict(zip(self.classes, table[at].tolist(), strict=True))
                for at, name in enumerate(self.classes)
            },
            "models": _shares(self.models),
        }


def ask(tier: Tier, rows: Iterable[tuple[str, Labelled]], finder: Finder) -> Iterator[Judged]:
    """The tier's answers to rows (with the name of their file), a batch at a time, in order."""
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        whole = _whole(tier, [item for item in batch if not item[1].target])
        toward = _toward(tier, [item for item in batch if item[1].target], finder)
        for _, row in batch:
            yield next(toward if row.target else whole)


def tables(judged: Sequence[Judged], groups: NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """The report of each kind of label that occurs; ``groups`` holds the near-duplicate group of each row."""
    kinds: dict[str, tuple[tuple[str, ...], list[int]]] = {
        TOWARD: (LABELS, [at for at, item in enumerate(judged) if item.row.target]),
        FIVE: (CLASSES, _five(judged)),
        THREE: (
            LABELS,
            [at for at, item in enumerate(judged) if not item.row.target and item.row.label in LABELS],
        ),
    }
    return {name: _columns(judged, groups, *kind).report() for name, kind in kinds.items() if kind[1]}


def by_file(judged: Sequence[Judged], groups: NDArray[np.int64]) -> dict[str, Any]:
    """`tables` of all rows and, where there are several files, of each."""
    places: dict[str, list[int]] = {}
    for at, item in enumerate(judged):
        places.setdefault(item.file, []).append(at)
    several = places if len(places) > 1 else {}
    files = {name: tables([judged[at] for at in own], groups[np.array(own)]) for name, own in several.items()}
    return {"tables": tables(judged, groups), "files": files}


def found(judged: Sequence[Judged]) -> dict[str, int]:
    """How the objects were found in their texts (`finding.How`), and how often."""
    return dict(Counter(item.found for item in judged if item.row.target).most_common())


def mistakes(judged: Sequence[Judged], number: int, seed: int = SEED) -> list[dict[str, Any]]:
    """So many wrong answers, drawn at random with a seed, in the order of the rows."""
    wrong = [at for at, item in enumerate(judged) if item.answer != item.row.label]
    drawn = sorted(random.Random(seed).sample(wrong, min(number, len(wrong))))
    return [judged[at].as_mistake() for at in drawn]


def _five(judged: Sequence[Judged]) -> list[int]:
    """Rows for the five-class table: none where no row is labelled speech or skip."""
    fine = [at for at, item in enumerate(judged) if item.five is not None]
    return fine if any(judged[at].row.label not in LABELS for at in fine) else []


def _columns(
    judged: Sequence[Judged], groups: NDArray[np.int64], classes: tuple[str, ...], chosen: Sequence[int]
) -> Columns:
    rows = [judged[at] for at in chosen]
    fine = classes == CLASSES
    numbers = np.unique(groups[np.array(chosen)], return_inverse=True)[1].astype(np.int64)
    return Columns(
        classes=classes,
        probabilities=np.array([row.five if fine else row.three for row in rows], dtype=np.float64),
        labels=np.array([classes.index(row.row.label) for row in rows], dtype=np.int64),
        groups=numbers,
        models=[row.model for row in rows],
    )


def _whole(tier: Tier, items: Sequence[tuple[str, Labelled]]) -> Iterator[Judged]:
    if not items:
        return
    texts = [row.text for _, row in items]
    three = tier.whole(texts)
    models = answered(tier, len(items))
    fine = [row.text for _, row in items if row.fine]
    five = iter(tier.classes(fine)) if fine else iter(())
    for (file, row), of_three, model in zip(items, three, models, strict=True):
        yield Judged(file, row, of_three, model, "", next(five) if row.fine else None)


def _toward(tier: Tier, items: Sequence[tuple[str, Labelled]], finder: Finder) -> Iterator[Judged]:
    if not items:
        return
    places = [finder.places(row) for _, row in items]
    asked = [
        Question(row.text, spans, row.target) for (_, row), (_, spans) in zip(items, places, strict=True)
    ]
    answers = tier.toward(asked)
    for (file, row), (how, _), answer, model in zip(
        items, places, answers, answered(tier, len(items)), strict=True
    ):
        yield Judged(file, row, answer, model, how)


def _pair(values: NDArray[np.float64]) -> list[float | None]:
    return [rounded(bound) for bound in interval(values)]


def _shares(models: Sequence[str]) -> dict[str, float]:
    return {name: round(count / len(models), 4) for name, count in Counter(models).most_common()}
