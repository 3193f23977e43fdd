"""The fast sentiment tier: an additive model over hashed words, pairs and letters, for every post.

The score of a class is a sum over the distinct words and pairs of a text (and of those near the object), so
what a word adds is looked up once and cached. Trained by ``training.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.nlp import fast_tokens
from pipeline.nlp.fast_pieces import THE_OBJECT
from pipeline.nlp.fast_tokens import Tokens, Units
from pipeline.nlp.fast_weights import COLUMNS, NEAR, OBJECT, TEXT, IncompatibleModel, Weights
from pipeline.nlp.fast_words import Hashes, Ints, Words, buckets
from pipeline.nlp.tiers import CLASSES, LABELS, Floats, Question, as_labels, softmax

__all__ = ["FILE", "MODELS", "IncompatibleModel", "SentimentModel"]

MODELS = Path(__file__).parent / "model"
FILE = "sentiment.npz"
CACHED_WORDS = 131_072
"""When so many words are known, the next batch starts anew."""

_BATCH = 256
"""Texts at a time: enough to spread the cost of a call of numpy, few enough for the processor's cache."""

_WORD, _LETTERS, _VECTOR = (slice(at * COLUMNS, (at + 1) * COLUMNS) for at in range(3))
_SQUARES = slice(3 * COLUMNS, 3 * COLUMNS + 3)


class SentimentModel:
    """Sentiment of texts and toward objects in them; a `tiers.Tier`. Not thread-safe (it caches words)."""

    def __init__(self, weights: Weights) -> None:
        self.name = weights.name
        self._weights = weights
        self._forget()

    @classmethod
    def load(cls, model: str | Path) -> SentimentModel:
        """Load a model that is shipped, by name (``open``, ``full``), or a weights file of your own.

        Raises:
            FileNotFoundError: there is no such model.
            IncompatibleModel: the file was trained with other features.
        """
        path = MODELS / model / FILE if isinstance(model, str) else model
        return cls(Weights.read(path))

    def classes(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `tiers.CLASSES` for whole texts, (texts, 5)."""
        return self._in_batches([Question(text) for text in texts], len(CLASSES))

    def whole(self, texts: Sequence[str]) -> Floats:
        """Probabilities of the three labels for whole texts, (texts, 3)."""
        return as_labels(self.classes(texts), self._weights.aside)

    def toward(self, questions: Sequence[Question]) -> Floats:
        """Probabilities of the three labels toward objects, (questions, 3).

        Where no span is given, the whole text is the evidence.
        """
        found = np.empty((len(questions), len(LABELS)), np.float32)
        named = np.array([bool(question.spans) for question in questions], bool)
        found[~named] = self.whole([question.text for question in questions if not question.spans])
        found[named] = self._in_batches([question for question in questions if question.spans], len(LABELS))
        return found

    def _in_batches(self, questions: Sequence[Question], width: int) -> Floats:
        """Probabilities of the classes (``width`` 5) or toward the objects (3)."""
        found = np.empty((len(questions), width), np.float32)
        for at in range(0, len(questions), _BATCH):
            some = questions[at : at + _BATCH]
            tokens = self._tokens([fast_tokens.marked(question) for question in some])
            score = self._of_classes if width == len(CLASSES) else self._of_objects
            found[at : at + _BATCH] = score(tokens, len(some))
        return found

    def _of_classes(self, tokens: Tokens, count: int) -> Floats:
        score = self._sum(*fast_tokens.of_text(self._words, tokens), TEXT, count)
        probabilities = softmax((score + self._weights.bias[TEXT]) / self._weights.temperature[0])
        probabilities[np.bincount(tokens.texts, minlength=count) == 0] = self._weights.prior
        return probabilities

    def _of_objects(self, tokens: Tokens, count: int) -> Floats:
        score = self._sum(*fast_tokens.of_text(self._words, tokens), OBJECT, count)
        score += self._sum(*fast_tokens.near_object(self._words, tokens), NEAR, count)
        probabilities = softmax((score + self._weights.bias[OBJECT]) / self._weights.temperature[1])
        others = tokens.texts[(self._words.kinds[tokens.words] & THE_OBJECT) == 0]
        silent = np.bincount(others, minlength=count) == 0
        probabilities[silent] = as_labels(self._weights.prior[np.newaxis], self._weights.aside)
        return probabilities

    def _sum(self, words: Units, pairs: Units, columns: slice, count: int) -> Floats:
        """Add up three blocks (words and pairs, letters, vectors), each over the root of its squares' sum."""
        rows = _added(self._rows[words.values], words.texts, count)
        scores = self._weights.table.rows(pairs.values)[:, columns]
        idf = self._weights.idf(pairs.values)
        pair = _added(np.column_stack([scores, idf * idf]), pairs.texts, count)
        roots = rows[:, _SQUARES]
        roots[:, 0] += pair[:, -1]
        roots = np.sqrt(np.maximum(roots, 1e-9))
        total: Floats = (rows[:, _WORD][:, columns] + pair[:, :-1]) / roots[:, :1]
        total += rows[:, _LETTERS][:, columns] / roots[:, 1:2]
        total += rows[:, _VECTOR][:, columns] / roots[:, 2:]
        return total

    def _forget(self) -> None:
        self._words = Words()
        self._rows = np.zeros((1024, 3 * COLUMNS + 3), np.float32)
        self._filled = 0

    def _tokens(self, texts: Sequence[str]) -> Tokens:
        if len(self._words.known) > CACHED_WORDS:
            self._forget()
        numbers = fast_tokens.cut(self._words, texts)
        self._learn()
        return fast_tokens.place(self._words, numbers, len(texts))

    def _learn(self) -> None:
        """Look up what the words that are new add to the scores."""
        learned = self._words.learn()
        count = len(learned.whole)
        rows = np.zeros((count, 3 * COLUMNS + 3), np.float32)
        own = buckets(learned.whole)
        idf = self._weights.idf(own)
        rows[:, _WORD] = self._weights.table.rows(own)
        rows[:, 3 * COLUMNS] = idf * idf
        letters = self._weights.table.rows(learned.rest)
        squares = self._weights.idf(learned.rest) ** 2
        sums = _added(np.column_stack([letters, squares]), learned.owners, count)
        rows[:, _LETTERS], rows[:, 3 * COLUMNS + 1] = sums[:, :-1], sums[:, -1]
        self._learn_vectors(learned.whole, idf - 1, rows)
        self._filled += count
        if self._filled > len(self._rows):
            self._rows = np.resize(self._rows, (2 * self._filled, self._rows.shape[1]))
        self._rows[self._filled - count : self._filled] = rows

    def _learn_vectors(self, whole: Hashes, weight: Floats, rows: Floats) -> None:
        vectors = self._weights.vectors
        places, known = vectors.find(whole)
        some = places[known]
        rows[known, _VECTOR] = vectors.scores.rows(some) * weight[known, np.newaxis]
        rows[known, 3 * COLUMNS + 2] = vectors.squares[some].astype(np.float32) * weight[known] ** 2


def _added(rows: Floats, owners: Ints, count: int) -> Floats:
    """The sum of the rows of each owner, (count, width); owners are sorted."""
    total = np.zeros((count, rows.shape[1]), np.float32)
    if len(owners):
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        total[owners[starts]] = np.add.reduceat(rows, starts, axis=0)
    return total
