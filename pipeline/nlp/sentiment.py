"""How a text speaks, and how it speaks of one object in it: an additive model over hashed n-grams.

The score of a label is a sum over the words of the text (and over the words near the object), so the work
per word is done once and cached. Trained by ``training.py``, used by ``annotator.py`` for every post.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp import features
from schemas import Sentiment
from schemas.base import Label

LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
"""The order of scores and probabilities everywhere in the language models."""

MODELS = Path(__file__).parent / "model"
FILE = "sentiment.npz"
CACHED_TOKENS = 131_072

Floats = NDArray[np.float32]
Spans = Sequence[tuple[int, int]]

_TEXT, _GLOBAL, _NEAR = slice(0, 3), slice(3, 6), slice(6, 9)
_COUNT = 9


class IncompatibleModel(ValueError):
    """A weights file that this code cannot use; train it again."""


@dataclass(frozen=True)
class Weights:
    """What training leaves behind.

    ``table`` has a row per feature bucket and the columns text, object (whole text), object (near it), three
    labels each. ``bias`` (2, 3) and ``temperature`` (2,) are for the text and the object head; ``prior`` (3,)
    are the label's probabilities where a text holds no token at all.
    """

    name: str
    table: Floats
    bias: Floats
    temperature: Floats
    prior: Floats

    def save(self, path: Path) -> None:
        """Write the weights as int8: ``sign(w) sqrt(|w|)``, scaled per column, keeps small ones distinct."""
        scale = np.abs(self.table).max(axis=0)
        scale[scale == 0] = 1
        squeezed = np.sign(self.table) * np.sqrt(np.abs(self.table) / scale)
        np.savez_compressed(
            path,
            name=np.array(self.name),
            features=np.array([features.VERSION, features.BITS]),
            table=np.rint(squeezed * 127).astype(np.int8),
            scale=scale,
            bias=self.bias,
            temperature=self.temperature,
            prior=self.prior,
        )

    @classmethod
    def read(cls, path: Path) -> Weights:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            IncompatibleModel: it was trained with other features.
        """
        with np.load(path, allow_pickle=False) as stored:
            if stored["features"].tolist() != [features.VERSION, features.BITS]:
                raise IncompatibleModel(
                    f"{path} was trained with other features: run `molva train sentiment`"
                )
            squeezed = stored["table"].astype(np.float32) / 127
            table = np.sign(squeezed) * squeezed**2 * stored["scale"]
            return cls(
                name=str(stored["name"]),
                table=table.astype(np.float32),
                bias=stored["bias"],
                temperature=stored["temperature"],
                prior=stored["prior"],
            )


class SentimentModel:
    """Sentiment of texts and toward objects in them. Not thread-safe (it caches words)."""

    def __init__(self, weights: Weights) -> None:
        self.name = weights.name
        """For the field ``model`` of the records."""
        self._weights = weights
        self._index: dict[str, int] = {}
        self._rows = np.zeros((CACHED_TOKENS + 1, _COUNT + 1), np.float32)

    @classmethod
    def load(cls, model: str | Path) -> SentimentModel:
        """Load a model that is shipped, by name (``open``, ``full``), or a weights file of your own.

        Raises:
            FileNotFoundError: there is no such model.
            IncompatibleModel: the file was trained with other features.
        """
        path = MODELS / model / FILE if isinstance(model, str) else model
        return cls(Weights.read(path))

    def text(self, texts: Sequence[str]) -> list[Sentiment]:
        """The sentiment of each text as a whole."""
        return [_sentiment(self.text_probabilities(text)) for text in texts]

    def toward(self, items: Sequence[tuple[str, Spans]]) -> list[Sentiment]:
        """The sentiment of each text toward the object that stands at the spans (character offsets).

        No spans: the object is not named in the text, and the whole text is the evidence.
        """
        return [_sentiment(self.object_probabilities(text, spans)) for text, spans in items]

    def text_probabilities(self, text: str) -> Floats:
        """Probabilities of the three labels for a whole text, (3,)."""
        tokens = features.tokenize(features.excerpt(text, ())[0])
        if not tokens:
            return self._weights.prior
        return self._softmax(0, self._sum(tokens, _TEXT))

    def object_probabilities(self, text: str, spans: Spans) -> Floats:
        """Probabilities of the three labels toward the object at ``spans``, (3,)."""
        if not spans:
            return self.text_probabilities(text)
        text, spans = features.excerpt(text, spans)
        tokens = features.mask(features.tokenize(text), spans)
        if not tokens:
            return self._weights.prior
        score = self._sum(tokens, _GLOBAL)
        close = features.near(tokens)
        if close:
            score = score + self._sum(tokens, _NEAR, close)
        return self._softmax(1, score)

    def _sum(
        self, tokens: Sequence[features.Token], columns: slice, chosen: Sequence[int] | None = None
    ) -> Floats:
        """Add up the distinct tokens and pairs of neighbours, over the root of the number of features."""
        keys, pairs = features.units(tokens, chosen)
        rows = self._rows[self._indexes(keys)]
        total = rows[:, columns].sum(axis=0)
        if pairs:
            total = total + self._weights.table[pairs, columns].sum(axis=0)
        scaled: Floats = total / np.sqrt(rows[:, _COUNT].sum() + len(pairs))
        return scaled

    def _indexes(self, keys: Sequence[str]) -> list[int]:
        """Rows of the cache that hold these tokens; a full cache starts anew."""
        if len(self._index) + len(keys) > CACHED_TOKENS:
            self._index.clear()
        return [self._index.get(key) or self._learn(key) for key in keys]

    def _learn(self, key: str) -> int:
        buckets = features.features(key)
        row = len(self._index) + 1
        self._rows[row, :_COUNT] = self._weights.table[buckets].sum(axis=0)
        self._rows[row, _COUNT] = len(buckets)
        self._index[key] = row
        return row

    def _softmax(self, head: int, score: Floats) -> Floats:
        logits = (score + self._weights.bias[head]) / self._weights.temperature[head]
        exponents = np.exp(logits - logits.max())
        probabilities: Floats = exponents / exponents.sum()
        return probabilities


def _sentiment(probabilities: Floats) -> Sentiment:
    negative, neutral, positive = (round(float(p), 5) for p in probabilities)
    return Sentiment(
        label=LABELS[int(probabilities.argmax())], negative=negative, neutral=neutral, positive=positive
    )
