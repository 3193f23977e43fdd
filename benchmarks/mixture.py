"""Chooses the encoder's share in the strong tier and the cascade's threshold; JSON. Needs the extra
``train``.

    OMP_NUM_THREADS=1 python benchmarks/mixture.py full ../shared/data

The fast model is trained anew without the development part, which the encoder has not learned from either;
the share and the threshold are chosen there. The held-out part is printed beside it and chooses nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from pipeline.nlp import parts, training
from pipeline.nlp.cascade import Cascade, Mixed
from pipeline.nlp.corpora import CORPORA
from pipeline.nlp.scoring.classification import mean_f1
from pipeline.nlp.sentiment import FILE, MODELS, SentimentModel
from pipeline.nlp.strong import material
from pipeline.nlp.strong.material import Item
from pipeline.nlp.strong.model import FILE as ENCODER_FILE
from pipeline.nlp.strong.model import PIECES, StrongModel
from pipeline.nlp.tiers import LABELS, Tier

SHARES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0)
THRESHOLDS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)


def without_development(model: parts.Which, data: Path) -> SentimentModel:
    """The fast model, trained without the development part."""
    split = parts.split(model, data)
    aside = material.is_development(split, parts.SEED)
    kept = [at for at, out in enumerate(aside) if not out]
    some = parts.Split([split.train[at] for at in kept], [split.folds[at] for at in kept], [])
    weights, _ = training.learn(model, some, parts.SEED, lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        weights.save(Path(folder) / FILE)
        return SentimentModel.load(Path(folder) / FILE)


def scores(tier: Tier, items: Sequence[Item]) -> dict[str, float]:
    """F+- toward objects by domain, macro F1 of texts with five classes and with three labels."""
    found: dict[str, float] = {}
    for domain in ("banks", "telecom", "news"):
        some = [item for item in items if item.head == "object" and _domain(item) == domain]
        if some:
            answers = tier.toward([item.question for item in some]).argmax(axis=1)
            found[domain] = mean_f1(answers, np.array([item.right[0] for item in some]), (0, 2))
    texts = [item for item in items if item.corpus == "rusentitweet"]
    if texts:
        asked, right = [item.question.text for item in texts], np.array([item.right[0] for item in texts])
        plain = right < len(LABELS)
        found["five classes"] = mean_f1(tier.classes(asked).argmax(axis=1), right, range(5))
        found["three labels"] = mean_f1(tier.whole(asked).argmax(axis=1)[plain], right[plain], range(3))
    return {name: round(value, 4) for name, value in found.items()}


def reaching(tier: Cascade, items: Sequence[Item]) -> float:
    """The share of the questions about banks and operators that the strong tier answers."""
    some = [item.question for item in items if _domain(item) in ("banks", "telecom")]
    if not some:
        return 0.0
    tier.toward(some)
    return round(1 - list(tier.answered).count(tier.fast.name) / len(some), 4)


def _domain(item: Item) -> str:
    return CORPORA[item.corpus].domain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=("open", "full"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--folder", type=Path, help="of the encoder; default: the shipped one")
    arguments = parser.parse_args()
    folder = arguments.folder or MODELS / arguments.model
    pieces = folder / PIECES
    encoder = StrongModel(folder / ENCODER_FILE, pieces if pieces.is_file() else MODELS / PIECES)
    fast = without_development(arguments.model, arguments.data)
    asked = material.material(arguments.model, arguments.data, parts.SEED)
    report: dict[str, Any] = {"model": arguments.model}
    for name, items in (("development", asked.development), ("held_out", asked.held_out)):
        cascades = {threshold: Cascade(Mixed(fast, encoder), threshold) for threshold in THRESHOLDS}
        report[name] = {
            "share": {str(share): scores(Mixed(fast, encoder, share), items) for share in SHARES},
            "threshold": {
                str(threshold): {"reaching": reaching(tier, items), **scores(tier, items)}
                for threshold, tier in cascades.items()
            },
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
