"""Which texts a model was trained on: near-duplicate groups of the texts together with the training data.

The rule is that of ``parts.split`` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.parts import split
from pipeline.nlp.scoring.bootstrap import numbered
from pipeline.nlp.splits import group


class Membership(NamedTuple):
    """Of each text: its near-duplicate group, numbered from 0, and whether training saw a member of it."""

    groups: NDArray[np.int64]
    seen: NDArray[np.bool_]


def membership(texts: Sequence[str], model: str, data: Path) -> Membership:
    """Look the texts up in the data that ``model`` (``open`` or ``full``) learns from.

    The texts are grouped together with all of the model's data, so a copy of a training text with a changed
    word counts as seen.

    Raises:
        FileNotFoundError: a data set is not in ``data``.
    """
    parts = split(model, data)
    learned = [example.text for example in parts.train]
    return among(texts, learned, [example.text for example in parts.held_out])


def among(texts: Sequence[str], learned: Sequence[str], held_out: Sequence[str]) -> Membership:
    """`membership` for given training texts; those held out only join groups that belong together."""
    names = group([*texts, *learned, *held_out])
    trained = set(names[len(texts) : len(texts) + len(learned)])
    own = names[: len(texts)]
    return Membership(numbered(own), np.array([name in trained for name in own], dtype=np.bool_))
