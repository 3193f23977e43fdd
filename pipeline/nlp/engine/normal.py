"""Normal forms of names by natasha's rules: each word in the nominative, in the shape it was written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pymorphy3
from slovnet.conll import parse_conll_tag

from pipeline.nlp.natasha_import import natasha

MAX_FORMS = 50_000

UNTAGGED = -1
"""For a word that no sentence holds."""

_NOMINATIVE = frozenset({"nomn"})


class _Form(NamedTuple):
    """What natasha compares of a tagged word and of pymorphy's readings of it."""

    pos: str
    gender: str | None
    number: str | None
    case: str | None


class Normaliser:
    """Inflects words with pymorphy3; remembers `MAX_FORMS` words with their tags at most."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._wanted = [_wanted(*parse_conll_tag(tag)) for tag in tags]
        self._morphology = pymorphy3.MorphAnalyzer(result_type=None)
        self._form_of_tag: dict[Any, _Form] = {}
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
        """As ``natasha.norm.inflect_word``: the first reading that agrees with the tag, in the nominative."""
        inflected = natasha.norm.normal_word(word)
        wanted = None if tag == UNTAGGED else self._wanted[tag]
        if wanted is not None:
            for reading in self._morphology.parse(inflected):
                if self._form(reading[1]) == wanted:
                    found = self._morphology._inflect(reading, _NOMINATIVE)
                    inflected = natasha.norm.normal_word(found[0][0]) if found else inflected
                    break
        normal: str = natasha.norm.recover_shape(inflected, word)
        return normal

    def _form(self, tag: Any) -> _Form:
        """Of a tag of pymorphy; there are about 5,000."""
        form = self._form_of_tag.get(tag)
        if form is None:
            vocab = natasha.morph.vocab
            form = self._form_of_tag[tag] = _form(vocab.ud_pos(tag), dict(vocab.ud_feats(tag)))
        return form


def _form(pos: str, feats: dict[str, str]) -> _Form:
    norm = natasha.norm
    return _Form(norm.normal_pos(pos), feats.get(norm.GENDER), feats.get(norm.NUMBER), feats.get(norm.CASE))


def _wanted(pos: str, feats: dict[str, str]) -> _Form | None:
    """The reading of a word with this tag that is to be inflected; None: the word stays as it is."""
    norm = natasha.norm
    inflected = pos in (norm.PROPN, norm.NOUN, norm.ADJ, norm.VERB) and feats.get(norm.CASE) != norm.NOM
    return _form(pos, feats) if inflected else None
