"""The strong tier and the cascade: the fast model answers, and where it is unsure both models decide
together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from pipeline.nlp.tiers import Floats, Question, Tier

UNSURE = 0.7
"""Below this probability of its best answer the fast tier is taken to be unsure."""

SHARE = 0.5
"""The encoder's share in the strong tier. Both numbers: benchmarks/mixture.py."""

_LEAST = 1e-6

_Asked = TypeVar("_Asked")


class Mixed:
    """The strong tier: the encoder and the n-grams, which err differently. Not thread-safe.

    The probabilities are the weighted geometric mean of both models' (a logarithmic opinion pool).
    """

    def __init__(self, fast: Tier, encoder: Tier, share: float = SHARE) -> None:
        self.name = f"{encoder.name}+{fast.name}"
        self.fast, self.encoder = fast, encoder
        self._share = share

    def classes(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `CLASSES` for whole texts, (texts, 5)."""
        return self.pool(self.fast.classes(texts), self.encoder.classes(texts))

    def whole(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `LABELS` for whole texts, (texts, 3)."""
        return self.pool(self.fast.whole(texts), self.encoder.whole(texts))

    def toward(self, questions: Sequence[Question]) -> Floats:
        """Probabilities of `LABELS` toward the objects asked for, (questions, 3)."""
        return self.pool(self.fast.toward(questions), self.encoder.toward(questions))

    def pool(self, fast: Floats, encoder: Floats) -> Floats:
        """The tier's answers from those of its models, all (rows, labels)."""
        product = np.maximum(fast, _LEAST) ** (1 - self._share) * np.maximum(encoder, _LEAST) ** self._share
        probabilities: Floats = (product / product.sum(axis=1, keepdims=True)).astype(np.float32)
        return probabilities


class Cascade:
    """The fast tier, and behind it the strong one. Not thread-safe.

    ``open`` may be set to False to answer with the fast tier alone (the strong one is what an overloaded
    worker sheds first); ``answered`` names the model that answered each row of the last call.
    """

    def __init__(self, strong: Mixed, unsure: float = UNSURE) -> None:
        self.fast = strong.fast
        self.name = f"{self.fast.name}, {strong.name}"
        self.open = True
        self.answered: Sequence[str] = ()
        self._strong, self._unsure = strong, unsure

    def classes(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `CLASSES` for whole texts, (texts, 5)."""
        return self._decide(texts, self.fast.classes, self._strong.encoder.classes)

    def whole(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `LABELS` for whole texts, (texts, 3)."""
        return self._decide(texts, self.fast.whole, self._strong.encoder.whole)

    def toward(self, questions: Sequence[Question]) -> Floats:
        """Probabilities of `LABELS` toward the objects asked for, (questions, 3)."""
        return self._decide(questions, self.fast.toward, self._strong.encoder.toward)

    def _decide(
        self,
        asked: Sequence[_Asked],
        first: Callable[[Sequence[_Asked]], Floats],
        encode: Callable[[Sequence[_Asked]], Floats],
    ) -> Floats:
        answers = first(asked)
        unsure: list[int] = []
        if self.open and len(asked):
            unsure = np.flatnonzero(answers.max(axis=1) < self._unsure).tolist()
        names = [self.fast.name] * len(asked)
        if unsure:
            answers = answers.copy()
            encoded = encode([asked[index] for index in unsure])
            answers[unsure] = self._strong.pool(answers[unsure], encoded)
            for index in unsure:
                names[index] = self._strong.name
        self.answered = names
        return answers
