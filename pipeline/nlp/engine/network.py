"""slovnet's convolutional tagger over flat batches without padding, its first convolution kept per word.

A word enters the network as its vector and its shape only, so what it adds to the first convolution is
computed once and looked up afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from slovnet.shape import word_shape

from pipeline.nlp.engine.weights import Floats, Layer, Model

NOTHING, PADDING = 0, 1
"""Rows of the table: zeros, which lie between texts, and natasha's padding word."""

MAX_SPELLINGS = 100_000


class Batch(NamedTuple):
    """Texts one behind another, with a gap before, between and after them."""

    words: list[str]
    """The empty word stands for a gap."""
    gaps: npt.NDArray[np.int64]
    """Where the gaps are; one more than texts."""


def lay_out(texts: Sequence[Sequence[str]]) -> Batch:
    """Text ``i`` stands between the gaps ``i`` and ``i + 1``."""
    words = [""]
    for text in texts:
        words += text
        words.append("")
    return Batch(words, np.array([*accumulate((len(text) + 1 for text in texts), initial=0)], np.int64))


class Network:
    """One tagger. ``capacity`` bounds the words whose first convolution is kept: 3 KB each.

    No batch may hold more than ``capacity`` - 2 words.
    """

    def __init__(self, model: Model, capacity: int) -> None:
        self._model = model
        self._first, *self._later = model.layers
        self._table = np.zeros((3, capacity, len(self._first.bias)), np.float32)
        self._forget()

    def features(self, batch: Batch, after: Sequence[int]) -> Floats:
        """Positions x 64: what the third convolution says of each word.

        ``after`` is the row that natasha has behind each text, `NOTHING` or `PADDING`.
        """
        rows = self._rows(batch.words)
        behind = rows.copy()
        behind[batch.gaps[1:]] = after
        hidden = np.zeros((len(rows), len(self._first.bias)), np.float32)
        inner = hidden[1:-1]
        before_word, word, behind_word = self._table
        before_word.take(rows[:-2], 0, inner, "clip")
        inner += word.take(rows[1:-1], 0, None, "clip")
        inner += behind_word.take(behind[2:], 0, None, "clip")
        _finish(hidden, self._first, batch.gaps)
        for layer in self._later:
            hidden = _convolve(hidden, layer, batch.gaps)
        return hidden

    def scores(self, features: Floats) -> Floats:
        """Words x tags."""
        scores: Floats = features @ self._model.projection
        scores += self._model.projection_bias
        return scores

    def _rows(self, words: Sequence[str]) -> npt.NDArray[np.int64]:
        rows = list(map(self._row_of_word.get, words))
        if None in rows:
            self._learn({word for word, row in zip(words, rows, strict=True) if row is None}, words)
            rows = list(map(self._row_of_word.get, words))
        return np.array(rows, np.int64)

    def _learn(self, missing: set[str], words: Sequence[str]) -> None:
        fits = len(self._row_of_pair) + len(missing) < self._table.shape[1]
        if not fits or len(self._row_of_word) + len(missing) > MAX_SPELLINGS:
            self._forget()
            missing = set(words) - {""}
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
        self._row_of_word: dict[str, int] = {"": NOTHING}
        self._row_of_pair: dict[tuple[int, int], int] = {self._model.pad: PADDING}
        self._append([self._model.pad])

    def _append(self, pairs: list[tuple[int, int]]) -> None:
        """Fill the table's rows of the newest pairs of word id and shape id."""
        if not pairs:
            return
        words, shapes = np.array(pairs).T
        vectors = np.hstack((self._model.embedding.vectors(words), self._model.shape_vectors[shapes]))
        stop = len(self._row_of_pair) + 1
        taps = (vectors @ self._first.weight).reshape(len(pairs), 3, -1)
        self._table[:, stop - len(pairs) : stop] = taps.swapaxes(0, 1)

    def _pair(self, word: str) -> tuple[int, int]:
        model = self._model
        return model.words.get(word.lower(), model.unknown), model.shapes[word_shape(word)]


def _convolve(hidden: Floats, layer: Layer, gaps: npt.NDArray[np.int64]) -> Floats:
    taps = (hidden @ layer.weight).reshape(len(hidden), 3, -1)
    out = np.zeros((len(hidden), taps.shape[2]), np.float32)
    inner = out[1:-1]
    np.add(taps[:-2, 0], taps[1:-1, 1], inner)
    inner += taps[2:, 2]
    _finish(out, layer, gaps)
    return out


def _finish(sums: Floats, layer: Layer, gaps: npt.NDArray[np.int64]) -> None:
    """Bias, ReLU and norm, in place; gaps become zeros."""
    sums += layer.bias
    np.maximum(sums, 0, out=sums)
    sums *= layer.scale
    sums += layer.shift
    sums[gaps] = 0
