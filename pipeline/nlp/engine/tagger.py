"""NER of a batch of texts: words, network, Viterbi, and slovnet's way of joining tags to spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pipeline.nlp.engine import kernels
from pipeline.nlp.engine.network import NOTHING, Network
from pipeline.nlp.engine.tokens import Words
from pipeline.nlp.engine.weights import Model

CAPACITY = 24_576
"""Words whose first convolution is kept, 75 MB; more than a batch can hold."""

BATCH_WORDS = 2_048
"""A batch ends with the text that reaches so many words: its matrices then fit a core's cache."""


class Span(NamedTuple):
    """The words ``first`` to ``last``, inclusive, are a name."""

    first: int
    last: int
    type: str


class Tagged(NamedTuple):
    """A text's words and its names among them."""

    words: list[str]
    spans: list[Span]


class Tagger:
    """Finds names. One thread at a time."""

    def __init__(self, model: Model) -> None:
        if model.transitions is None or len(model.tags) > 255:
            raise ValueError("not a NER model")
        self._words = Words()
        self._network = Network(model, CAPACITY)
        self._transitions = np.ascontiguousarray(model.transitions)
        self._parts = [tag.partition("-")[::2] for tag in model.tags]
        self._outside = bytes([model.tags.index("O")])

    def tag(self, texts: Sequence[str]) -> list[Tagged]:
        """Each text's words and names, in order."""
        found: list[Tagged] = []
        batch: list[list[str]] = []
        size = 0
        for text in texts:
            words = self._words.cut(text)
            batch.append(words)
            size += len(words)
            if size >= BATCH_WORDS:
                found += self._tag(batch)
                batch, size = [], 0
        found += self._tag(batch)
        return found

    def _tag(self, batch: list[list[str]]) -> Iterator[Tagged]:
        bounds = [0, *accumulate(map(len, batch))]
        starts = np.array(bounds, np.int32)
        words = [word for text in batch for word in text]
        after = np.full(len(batch), NOTHING, np.int32)
        features = self._network.features(words, starts, after)
        best = np.empty(len(words), np.uint8)
        kernels.viterbi(self._network.scores(features), starts, self._transitions, best)
        tags = best.tobytes()
        for at, text in enumerate(batch):
            own = tags[bounds[at] : bounds[at + 1]]
            yield Tagged(text, list(self._spans(own)) if own.strip(self._outside) else [])

    def _spans(self, tags: bytes) -> Iterator[Span]:
        """An I prolongs the name before it, whatever its type; the padding tag changes nothing."""
        kind, first, last = "", 0, 0
        for at, tag in enumerate(tags):
            part, name = self._parts[tag]
            if part == "I":
                last = at
            elif part in "BO":
                if kind:
                    yield Span(first, last, kind)
                kind, first, last = name, at, at
        if kind:
            yield Span(first, last, kind)
