"""The fast engine behind `Ner`: names, their places and normal forms, for a batch of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from pipeline.nlp.engine import tokens
from pipeline.nlp.engine.morphology import Morphology, Window, sentence_words, windows
from pipeline.nlp.engine.normal import UNTAGGED, Normaliser
from pipeline.nlp.engine.tagger import Tagged, Tagger
from pipeline.nlp.engine.weights import load_models
from schemas import Entity
from schemas.enriched import EntityType

Places = list[tuple[int, int]]


class Engine:
    """natasha's NER, morphology and normalisation. One thread at a time.

    Texts must hold no lone surrogates and at most 10,000 words each.
    """

    def __init__(self) -> None:
        ner, morphology = load_models()
        self._tagger = Tagger(ner)
        self._morphology = Morphology(morphology)
        self._normaliser = Normaliser(morphology.tags)

    def spans(self, texts: Sequence[str]) -> list[tuple[tuple[int, int, EntityType], ...]]:
        """Start, end and type of the names of each text: NER alone."""
        return [
            tuple(
                (places[span.first][0], places[span.last][1], cast("EntityType", span.type))
                for span in tagged.spans
            )
            for tagged, places in self._placed(texts)
        ]

    def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The names of each text with their normal forms, in order of appearance."""
        placed = list(self._placed(texts))
        tags: list[dict[int, int]] = [{} for _ in texts]
        for window, found in self._morphology.tag(self._windows(texts, placed)):
            tags[window.text].update(enumerate(found, window.place))
        return [
            self._named(text, tagged, places, of_word)
            for text, (tagged, places), of_word in zip(texts, placed, tags, strict=True)
        ]

    def _placed(self, texts: Sequence[str]) -> Iterator[tuple[Tagged, Places]]:
        """Words and names, and the places of the words where there is a name."""
        for text, tagged in zip(texts, self._tagger.tag(texts), strict=True):
            yield tagged, tokens.places(text, tagged.words) if tagged.spans else []

    def _windows(self, texts: Sequence[str], placed: Sequence[tuple[Tagged, Places]]) -> Iterator[Window]:
        for number, (text, (tagged, places)) in enumerate(zip(texts, placed, strict=True)):
            if tagged.spans:
                spans = [range(span.first, span.last + 1) for span in tagged.spans]
                sentences = sentence_words(places, tokens.sentences(text))
                yield from windows(number, tagged.words, sentences, spans)

    def _named(self, text: str, tagged: Tagged, places: Places, tags: dict[int, int]) -> tuple[Entity, ...]:
        found = []
        for first, last, kind in tagged.spans:
            own = range(first, last + 1)
            start, end = places[first][0], places[last][1]
            words = [(tagged.words[at], tags.get(at, UNTAGGED)) for at in own]
            normal = self._normaliser.normal(words, places[first : last + 1])
            found.append(
                Entity(
                    text=text[start:end], normal=normal, type=cast("EntityType", kind), start=start, end=end
                )
            )
        return tuple(found)
