"""natasha as its documentation has it, a text at a time: what the fast engine equals, and its stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pipeline.nlp.natasha_import import natasha
from schemas import Entity
from schemas.enriched import EntityType


class Plain:
    """Segment, tag morphology, tag names, normalise; about 260 MB. One thread at a time."""

    def __init__(self) -> None:
        embedding = natasha.NewsEmbedding()
        self._segmenter = natasha.Segmenter()
        self._vocab = natasha.MorphVocab()
        self._morph = natasha.NewsMorphTagger(embedding)
        self._ner = natasha.NewsNERTagger(embedding)

    def spans(self, texts: Sequence[str]) -> list[tuple[tuple[int, int, EntityType], ...]]:
        """Start, end and type of the names of each text: NER alone."""
        return [
            tuple((span.start, span.stop, span.type) for span in self._ner(text).spans)
            if text.strip()
            else ()
            for text in texts
        ]

    def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """The names of each text with their normal forms, in order of appearance."""
        return [tuple(map(_entity, self._names(text))) if text.strip() else () for text in texts]

    def _names(self, text: str) -> Sequence[Any]:
        doc = natasha.Doc(text)
        doc.segment(self._segmenter)
        doc.tag_morph(self._morph)
        doc.tag_ner(self._ner)
        for span in doc.spans:
            span.normalize(self._vocab)
        return cast("Sequence[Any]", doc.spans)


def _entity(span: Any) -> Entity:
    return Entity(
        text=span.text,
        normal=span.normal,
        type=cast("EntityType", span.type),
        start=span.start,
        end=span.stop,
    )
