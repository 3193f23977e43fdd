"""NER of a batch of texts: words, network, Viterbi, and slovnet's way of joining tags to spans."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slovnet.const import PAD

from pipeline.nlp.engine.crf import viterbi
from pipeline.nlp.engine.network import NOTHING, Network, lay_out
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
        self._transitions = model.transitions
        self._types = [tag.partition("-")[2] for tag in model.tags]
        self._name = _name_pattern(model.tags)

    def tag(self, texts: Sequence[str]) -> list[Tagged]:
        """Each text's words and names, in order."""
        found = [Tagged(self._words.cut(text), []) for text in texts]
        batch: list[Tagged] = []
        size = 0
        for tagged in sorted(filter(_has_words, found), key=_length):
            batch.append(tagged)
            size += len(tagged.words)
            if size >= BATCH_WORDS:
                self._tag(batch)
                batch, size = [], 0
        if batch:
            self._tag(batch)
        return found

    def _tag(self, texts: Sequence[Tagged]) -> None:
        """Fill in the spans of texts of about equal lengths."""
        batch = lay_out([text.words for text in texts])
        emissions = self._network.scores(self._network.features(batch, [NOTHING] * len(texts)))
        starts, ends = batch.gaps[:-1] + 1, batch.gaps[1:]
        tags = viterbi(emissions, starts, ends - starts, self._transitions).tobytes()
        for text, start, end in zip(texts, starts.tolist(), ends.tolist(), strict=True):
            text.spans.extend(self._spans(tags[start:end]))

    def _spans(self, tags: bytes) -> Iterator[Span]:
        for match in self._name.finditer(tags):
            yield Span(match.start(), match.end() - 1, self._types[tags[match.start()]])


def _has_words(text: Tagged) -> bool:
    return bool(text.words)


def _length(text: Tagged) -> int:
    return len(text.words)


def _name_pattern(tags: Sequence[str]) -> re.Pattern[bytes]:
    """A name in a text's tags by slovnet's rule: an I prolongs the name before it, whatever its type.

    The padding tag changes nothing, and an I that follows no name is dropped.
    """
    first, rest, padding = (
        re.escape(bytes(number for number, tag in enumerate(tags) if tag.startswith(part)))
        for part in ("B-", "I-", PAD)
    )
    return re.compile(b"[%b](?:[%b]*[%b])*" % (first, padding, rest), re.DOTALL)
