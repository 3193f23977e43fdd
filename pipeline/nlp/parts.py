"""Which examples a model learns from and which are held out: near-duplicates stay on one side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.nlp.corpora import CORPORA, FULL, OPEN
from pipeline.nlp.example import Corpus, Example
from pipeline.nlp.splits import distinct, group, position

Which = Literal["open", "full"]
SETS: dict[str, Sequence[str]] = {"open": OPEN, "full": FULL}
SEED = 20141107
HELD_OUT = 0.15
"""Share of the groups of near-duplicates that training never sees."""

FOLDS = 3
"""Of the part that is learned from; what is chosen is chosen there."""


@dataclass(frozen=True)
class Split:
    """Examples without duplicates; ``folds`` of the training part are groups of near-duplicates."""

    train: list[Example]
    folds: list[int]
    held_out: list[Example]


def split(which: str, data_dir: Path, seed: int = SEED, corpora: Sequence[Corpus] = ()) -> Split:
    """Read the data sets of a model and part them by groups of near-duplicates.

    The project's own sentences are never held out; their folds keep frames together.

    Raises:
        FileNotFoundError: a data set is not in the directory.
    """
    chosen = corpora or [CORPORA[name] for name in SETS[which]]
    examples = distinct([example for corpus in chosen for example in corpus.read(data_dir)])
    train, folds, held_out = [], [], []
    for example, name in zip(examples, group([example.text for example in examples]), strict=True):
        place = position(name, seed)
        if example.frame:
            train.append(example)
            folds.append(int(position(example.frame, seed) * FOLDS))
        elif place < HELD_OUT:
            held_out.append(example)
        else:
            train.append(example)
            folds.append(int((place - HELD_OUT) / (1 - HELD_OUT) * FOLDS))
    return Split(train, folds, held_out)
