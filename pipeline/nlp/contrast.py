"""Training examples with two objects of opposite verdicts, made by joining two real ones.

Labelled tweets hardly ever praise one brand and blame another, so without these the object head would learn
that every word of a text speaks of the object.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pipeline.nlp.corpora import Example

SHARE = 0.5
"""The fast tier's share of joined examples, see `contrasts`."""

_MAX_CHARS = 160
_JOINTS = (". ", ". А ", " ", "; ", ", а ", ", но ")


def contrasts(
    examples: Sequence[Example], folds: Sequence[int], seed: int, share: float = SHARE
) -> tuple[list[Example], list[int]]:
    """Join examples of the same fold; the label stays toward the object of the one that is judged.

    Args:
        share: joined examples tried per short labelled one; pairs that agree in label or object are left out.
    """
    chooser = random.Random(seed)
    made: list[Example] = []
    of: list[int] = []
    for fold in sorted(set(folds)):
        pool = [
            example
            for example, place in zip(examples, folds, strict=True)
            if place == fold and example.spans and len(example.text) < _MAX_CHARS
        ]
        for _ in range(int(share * len(pool)) if len(pool) > 1 else 0):
            judged, other = chooser.sample(pool, 2)
            joint, first = chooser.choice(_JOINTS), chooser.random() < 0.5
            if judged.label != other.label and judged.about != other.about:
                made.append(_join(judged, other, joint) if first else _join_after(judged, other, joint))
                of.append(fold)
    return made, of


def _join(judged: Example, other: Example, joint: str) -> Example:
    text = judged.text + joint + other.text
    return Example(judged.corpus, text, judged.label, judged.about, judged.spans)


def _join_after(judged: Example, other: Example, joint: str) -> Example:
    before = other.text + joint
    spans = tuple((start + len(before), end + len(before)) for start, end in judged.spans)
    return Example(judged.corpus, before + judged.text, judged.label, judged.about, spans)
