"""Normal forms of names by natasha's rules: each word in the nominative, in the shape it was written in."""

from __future__ import annotations

from collections.abc import Sequence

from slovnet.conll import parse_conll_tag

from pipeline.nlp.natasha_import import natasha

MAX_FORMS = 50_000

UNTAGGED = -1
"""For a word that no sentence holds."""


class Normaliser:
    """Inflects words with pymorphy3; remembers `MAX_FORMS` words with their tags at most."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = [parse_conll_tag(tag) for tag in tags]
        self._vocab = natasha.MorphVocab()
        self._known: dict[tuple[str, int], str] = {}

    def normal(self, words: Sequence[tuple[str, int]], places: Sequence[tuple[int, int]]) -> str:
        """The normal form of a name: its words with the ids of their tags, and where they stand."""
        parts = [self._word(word) for word in words]
        for at in range(len(parts) - 1):
            parts[at] += " " * (places[at + 1][0] - places[at][1])
        return "".join(parts)

    def _word(self, word: tuple[str, int]) -> str:
        normal = self._known.get(word)
        if normal is None:
            if len(self._known) >= MAX_FORMS:
                self._known.clear()
            normal = self._known[word] = self._inflect(*word)
        return normal

    def _inflect(self, word: str, tag: int) -> str:
        pos, feats = (None, None) if tag == UNTAGGED else self._tags[tag]
        token = natasha.doc.DocToken(0, len(word), word, pos=pos, feats=feats)
        inflected = natasha.norm.inflect_word(self._vocab, token)
        normal: str = natasha.norm.recover_shape(inflected, word)
        return normal
