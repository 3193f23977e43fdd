"""What every sentiment tier answers, whatever model is inside: the seam between the models and their users.

``sentiment.py`` is the fast tier; the strong one and the cascade of both answer the same questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from schemas import Sentiment
from schemas.base import Label

LABELS: Final[tuple[Label, ...]] = ("negative", "neutral", "positive")
"""The order of scores and probabilities everywhere in the language models."""

CLASSES: Final = (*LABELS, "speech", "skip")
"""The classes of a whole text, those of RuSentiTweet: speech is a formula (greeting, thanks, wish), skip is
what cannot be judged."""

Floats = NDArray[np.float32]
Spans = Sequence[tuple[int, int]]


class Question(NamedTuple):
    """How does the text speak of the object that stands at ``spans`` (character offsets)?

    Without spans the object is not named in the text (a reply to its own post), and ``name`` says what it is
    called.
    """

    text: str
    spans: Spans = ()
    name: str = ""


class Tier(Protocol):
    """A sentiment model. Not thread-safe. Probabilities are calibrated, rows sum to 1."""

    name: str
    """For the field ``model`` of the records."""

    def classes(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `CLASSES` for whole texts, (texts, 5)."""
        ...

    def whole(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `LABELS` for whole texts, (texts, 3)."""
        ...

    def toward(self, questions: Sequence[Question]) -> Floats:
        """Probabilities of `LABELS` toward the objects asked for, (questions, 3)."""
        ...


@runtime_checkable
class Attributing(Protocol):
    """A tier of several models that says which of them answered each row of its last call."""

    answered: Sequence[str]


def answered(tier: Tier, rows: int) -> list[str]:
    """The names of the models that answered the rows of the tier's last call."""
    return list(tier.answered) if isinstance(tier, Attributing) else [tier.name] * rows


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    """Probabilities from scores, (n, classes), in their type of number."""
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: NDArray[Any] = exponents / exponents.sum(axis=1, keepdims=True)
    return probabilities


def as_labels(classes: Floats, aside: float) -> Floats:
    """Probabilities of the five classes, (n, 5), as those of three labels, (n, 3).

    Of speech and skip the share ``aside`` counts as neutral; the rest is left out, so that the answer is
    about texts that say something.
    """
    labels = classes[:, : len(LABELS)].copy()
    labels[:, 1] += aside * classes[:, len(LABELS) :].sum(axis=1)
    probabilities: Floats = labels / labels.sum(axis=1, keepdims=True)
    return probabilities


def sentiments(probabilities: Floats) -> list[Sentiment]:
    """The rows of probabilities, (n, 3), as the records have them."""
    best = probabilities.argmax(axis=1).tolist()
    return [
        Sentiment(
            label=LABELS[label],
            negative=round(negative, 5),
            neutral=round(neutral, 5),
            positive=round(positive, 5),
        )
        for label, (negative, neutral, positive) in zip(best, probabilities.tolist(), strict=True)
    ]
