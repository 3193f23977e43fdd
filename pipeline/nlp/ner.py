"""Names of people, organisations and places in a batch of posts, for enrichment.

Spans and normal forms are those of natasha's own pipeline (segment, morphology, NER, normalise); ``engine``
finds them many times faster. Set ``OMP_NUM_THREADS=1`` before the process starts: these matrices are too
small to share between threads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pipeline.nlp.engine.engine import Engine
from pipeline.nlp.engine.plain import Plain
from schemas import Entity
from schemas.enriched import EntityType

MAX_CHARS = 10_000
"""Names are looked for in so many first characters of a text: a bound on time and memory."""

EngineName = Literal["fast", "natasha"]

_SURROGATES = re.compile("[\ud800-\udfff]")


class Ner:
    """natasha's NER, morphology and normalisation. One thread at a time.

    ``engine`` chooses who computes: ``fast`` is Molva's, ``natasha`` is natasha itself; they find the same.
    """

    def __init__(self, engine: EngineName = "fast") -> None:
        self._engine: Engine | Plain = Engine() if engine == "fast" else Plain()

    def entities(self, texts: Sequence[str]) -> list[tuple[Entity, ...]]:
        """Find the names of each text, in order of appearance.

        Offsets count characters of the text as given. Any string is accepted: lone surrogates are read as
        U+FFFD, and what lies behind `MAX_CHARS` is not read.
        """
        return self._engine.entities([_readable(text) for text in texts])

    def spans(self, texts: Sequence[str]) -> list[tuple[tuple[int, int, EntityType], ...]]:
        """Start, end and type of the names of each text, without normal forms; for texts as `entities`."""
        return self._engine.spans([_readable(text) for text in texts])


def _readable(text: str) -> str:
    """The part of a text that is read: bounded, cut between words, without lone surrogates; same offsets."""
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS]
        cut = max(text.rfind(" "), text.rfind("\n"))
        text = text[:cut] if cut > 0 else text
    return _SURROGATES.sub("\ufffd", text)
