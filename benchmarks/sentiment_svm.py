"""Sentiment: a plain SVM on the same split, to tell how hard the held-out part is; JSON.

    OMP_NUM_THREADS=1 python benchmarks/sentiment_svm.py ../shared/data

TF-IDF of words (1-2) and letters (2-5 within words), a linear SVM with balanced classes, one per data set,
the target not marked. The same kind of SVM was scored on the official tests (``official``, from the design
notes): the difference is what the tests differ by. The best of four costs is told, which favours the SVM.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

from pipeline.nlp.example import Example
from pipeline.nlp.parts import SEED, Split, split
from pipeline.nlp.tiers import CLASSES, LABELS

COSTS = (0.1, 0.2, 0.5, 1.0)
POLAR = ("negative", "positive")
OFFICIAL = {
    "rusentitweet, five classes": 0.629,
    "rusentitweet, three labels": 0.66,
    "sentirueval2016_banks": 0.531,
    "sentirueval2016_telecom": 0.521,
}


def best(
    learned: Sequence[Example],
    asked: Sequence[Example],
    label: Callable[[Example], str],
    judged: Sequence[str],
) -> float:
    """The mean F1 of the ``judged`` labels with the best of the costs."""
    vectors = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    design = vectors.fit_transform([example.text for example in learned])
    questions = vectors.transform([example.text for example in asked])
    labels, right = [label(example) for example in learned], [label(example) for example in asked]
    found = []
    for cost in COSTS:
        machine = LinearSVC(C=cost, class_weight="balanced", random_state=SEED).fit(design, labels)
        answers = machine.predict(questions)
        found.append(f1_score(right, answers, labels=judged, average="macro", zero_division=0))
    return round(float(max(found)), 3)


def report(parts: Split) -> dict[str, Any]:
    """Scores by data set beside those on the official tests."""

    def of(corpus: str, kept: Sequence[str] = ()) -> tuple[list[Example], list[Example]]:
        learned, asked = (
            [item for item in part if item.corpus == corpus and (not kept or item.fine in kept)]
            for part in (parts.train, parts.held_out)
        )
        return learned, asked

    found = {
        "rusentitweet, five classes": best(*of("rusentitweet"), lambda item: item.fine, CLASSES),
        "rusentitweet, three labels": best(*of("rusentitweet", LABELS), lambda item: item.fine, LABELS),
    }
    for corpus in ("sentirueval2016_banks", "sentirueval2016_telecom", "rusentne2023"):
        found[corpus] = best(*of(corpus), lambda item: item.label, POLAR)
    return {name: {"held_out": value, "official": OFFICIAL.get(name)} for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="a plain SVM on the held-out part of the full model")
    parser.add_argument("data", type=Path, help="the folder with the labelled data sets")
    print(json.dumps(report(split("full", parser.parse_args().data)), indent=2))


if __name__ == "__main__":
    main()
