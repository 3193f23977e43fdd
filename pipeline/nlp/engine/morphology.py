"""Morphology of the words of names only, with what the network sees around them.

The network looks three words to each side, and not beyond a sentence, so a window about a name is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeline.nlp.engine.network import NOTHING, PADDING, Network, lay_out
from pipeline.nlp.engine.weights import Model

CAPACITY = 12_288
"""Words whose first convolution is kept, 38 MB; more than a batch can hold."""

BATCH_WORDS = 2_048
REACH = 3
"""Words on each side that the three convolutions see."""

PADDED_TOGETHER = 8
"""natasha runs a text's sentences so many at a time, and pads all but the longest with a padding word."""


class Window(NamedTuple):
    """Some words of one sentence and the tags that are wanted, as positions in ``words`` and in the text."""

    words: Sequence[str]
    after: int
    wanted: range
    text: int
    place: int
    """The first wanted word's position in its text."""


class Morphology:
    """Tags words of names with slovnet's part of speech and features. One thread at a time."""

    def __init__(self, model: Model) -> None:
        self.tags = model.tags
        self._network = Network(model, CAPACITY)

    def tag(self, windows: Iterable[Window]) -> Iterator[tuple[Window, list[int]]]:
        """Ids of the tags (of ``tags``) of each window's wanted words."""
        batch: list[Window] = []
        size = 0
        for window in windows:
            batch.append(window)
            size += len(window.words)
            if size >= BATCH_WORDS:
                yield from self._tag(batch)
                batch, size = [], 0
        if batch:
            yield from self._tag(batch)

    def _tag(self, batch: list[Window]) -> Iterator[tuple[Window, list[int]]]:
        laid = lay_out([window.words for window in batch])
        features = self._network.features(laid, [window.after for window in batch])
        wanted: list[int] = []
        for window, gap in zip(batch, laid.gaps.tolist(), strict=False):
            wanted += range(gap + 1 + window.wanted.start, gap + 1 + window.wanted.stop)
        tags = self._network.scores(features[wanted]).argmax(-1).tolist()
        at = 0
        for window in batch:
            yield window, tags[at : at + len(window.wanted)]
            at += len(window.wanted)


def windows(
    text: int, words: Sequence[str], sentences: Sequence[range], spans: Iterable[range]
) -> Iterator[Window]:
    """What to tag of a text: for each of its spans the parts in sentences; all ranges are of words."""
    lengths = [len(sentence) for sentence in sentences]
    number = 0
    for span in spans:
        while number < len(sentences) and sentences[number].stop <= span.start:
            number += 1
        for at in range(number, len(sentences)):
            sentence = sentences[at]
            if sentence.start >= span.stop:
                break
            first, stop = max(span.start, sentence.start), min(span.stop, sentence.stop)
            if first >= stop:
                continue
            group = at - at % PADDED_TOGETHER
            padded = len(sentence) < max(lengths[group : group + PADDED_TOGETHER])
            begin, end = max(sentence.start, first - REACH), min(sentence.stop, stop + REACH)
            yield Window(
                words=words[begin:end],
                after=PADDING if padded and end == sentence.stop else NOTHING,
                wanted=range(first - begin, stop - begin),
                text=text,
                place=first,
            )


def sentence_words(places: Sequence[tuple[int, int]], sentences: Iterable[tuple[int, int]]) -> list[range]:
    """The words of each sentence, by natasha's rule: one that crosses a sentence's end belongs to none."""
    found = []
    at = 0
    for start, stop in sentences:
        while at < len(places) and places[at][0] < start:
            at += 1
        first = at
        while at < len(places) and places[at][1] <= stop:
            at += 1
        found.append(range(first, at))
    return found
