"""slovnet's convolutional tagger over flat, unpadded batches, with the first convolution kept per word.

A word enters the network as its vector and its shape only, so what it adds to the first convolution is
computed once and looked up afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from slovnet.shape import word_shape

from pipeline.nlp.engine import kernels
from pipeline.nlp.engine.weights import Floats, Layer, Model

Integers = npt.NDArray[np.int32]

NOTHING, PADDING = 0, 1
"""Rows of the table: zeros, which lie beyond a text's ends, and natasha's padding word."""

MAX_SPELLINGS = 100_000


class Network:
    """One tagger. ``capacity`` bounds the words whose first convolution is kept: 3 KB each.

    No batch may hold more than ``capacity`` - 2 words.
    """

    def __init__(self, model: Model, capacity: int) -> None:
        self._model = model
        first, self._second, self._third = model.layers
        self._first = first
        self._table = np.zeros((capacity, 3, len(first.bias)), np.float32)
        self._forget()

    def features(self, words: Sequence[str], starts: Integers, after: Integers) -> Floats:
        """Words x 64: what the third convolution says of each word.

        ``starts`` holds the first word of each text and the number of words; ``after`` the row that follows
        each text, `NOTHING` or `PADDING`.
        """
        rows = self._rows(words)
        first = self._first
        hidden = np.empty((len(words), len(first.bias)), np.float32)
        kernels.first_layer(self._table, rows, starts, after, first.bias, first.scale, first.shift, hidden)
        for layer in (self._second, self._third):
            hidden = _convolve(hidden, starts, layer)
        return hidden

    def scores(self, features: Floats) -> Floats:
        """Words x tags."""
        scores: Floats = features @ self._model.projection + self._model.projection_bias
        return scores

    def _rows(self, words: Sequence[str]) -> Integers:
        rows = list(map(self._row_of_word.get, words))
        if None in rows:
            self._learn({word for word, row in zip(words, rows, strict=True) if row is None}, words)
            rows = list(map(self._row_of_word.get, words))
        return np.array(rows, np.int32)

    def _learn(self, missing: set[str], words: Sequence[str]) -> None:
        fits = len(self._row_of_pair) + len(missing) <= len(self._table) - 1
        if not fits or len(self._row_of_word) + len(missing) > MAX_SPELLINGS:
            self._forget()
            missing = set(words)
        fresh = []
        for word in missing:
            pair = self._pair(word)
            row = self._row_of_pair.get(pair)
            if row is None:
                row = self._row_of_pair[pair] = len(self._row_of_pair) + 1
                fresh.append(pair)
            self._row_of_word[word] = row
        self._append(fresh)

    def _forget(self) -> None:
        """Drop all words; a full cache is rebuilt from what comes next."""
        self._row_of_word: dict[str, int] = {}
        self._row_of_pair: dict[tuple[int, int], int] = {self._model.pad: PADDING}
        self._append([self._model.pad])

    def _append(self, pairs: list[tuple[int, int]]) -> None:
        """Fill the table's rows of the newest pairs of word id and shape id."""
        if not pairs:
            return
        words, shapes = np.array(pairs).T
        vectors = np.hstack((self._model.embedding.vectors(words), self._model.shape_vectors[shapes]))
        stop = len(self._row_of_pair) + 1
        self._table[stop - len(pairs) : stop] = (vectors @ self._first.weight).reshape(len(pairs), 3, -1)

    def _pair(self, word: str) -> tuple[int, int]:
        model = self._model
        shape = model.shapes[word_shape(word)]
        return model.words.get(word.lower(), model.unknown), shape


def _convolve(hidden: Floats, starts: Integers, layer: Layer) -> Floats:
    out = np.empty((len(hidden), len(layer.bias)), np.float32)
    kernels.later_layer(hidden @ layer.weight, starts, layer.bias, layer.scale, layer.shift, out)
    return out
