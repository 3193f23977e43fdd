"""The inflected forms of a name and the ordinary words of Russian by pymorphy3, for the watchlist matcher."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from pymorphy3 import MorphAnalyzer

Slot = tuple[str, str]
"""Number and case, e.g. ``("sing", "gent")``."""

CACHED_WORDS = 20_000

_TOKEN = re.compile(r"[^\W\d_]+|[\W\d_]+")
_CYRILLIC = re.compile(r"^[а-яё]{2,}$")
_NAMES = frozenset({"Name", "Surn", "Patr"})
_MASCULINE = {"nomn": "", "gent": "а", "datv": "у", "accs": "а", "ablt": "ом", "loct": "е"}
_VOWELS = frozenset("аеёиоуыэюя")


class Paradigm(NamedTuple):
    """One way to read a word in the nominative: its forms by number and case."""

    gender: str | None
    """None: it agrees with any."""
    is_noun: bool
    forms: dict[Slot, tuple[str, ...]]


class Inflector:
    """Loads the dictionary once (about 0.1 s); deterministic. It is the matcher's `Vocabulary` too."""

    def __init__(self) -> None:
        self._morph = MorphAnalyzer()
        self._cached: dict[str, tuple[Paradigm, ...]] = {}

    def forms(self, phrase: str) -> tuple[str, ...]:
        """The forms of a phrase in the nominative (lower case), itself first.

        Of several words, those are inflected that can be: all where they agree (Герман Греф), the first noun
        with its adjectives (банка Москвы), and the last (Альфа-банка). Latin words, numbers and words that
        are neither in the nominative nor infinitives stay as they are; abbreviations get the endings of slang
        (МТСа). A name that ends in words that stay has no plural: банки Москвы are not Банк Москвы.
        """
        tokens = _TOKEN.findall(phrase.lower())
        paradigms = {index: found for index, token in enumerate(tokens) if (found := self._paradigms(token))}
        forms = dict.fromkeys(["".join(tokens)])
        for indexes in _inflected_together(paradigms):
            plural = not any(token[0].isalpha() for token in tokens[indexes[-1] + 1 :])
            for change in _agreeing([paradigms[index] for index in indexes], plural):
                changed = list(tokens)
                for index, form in zip(indexes, change, strict=True):
                    changed[index] = form
                forms["".join(changed)] = None
        return tuple(forms)

    def knows(self, word: str) -> bool:
        """Whether a word form (lower case) is in the dictionary."""
        return bool(self._morph.word_is_known(word))

    def beginning(self, prefix: str) -> Iterator[str]:
        """The word forms of the dictionary that begin with ``prefix`` (lower case), in its order."""
        yield from dict.fromkeys(self._morph.dictionary.words.iterkeys(prefix))

    def _paradigms(self, word: str) -> tuple[Paradigm, ...]:
        """The readings of a word as noun or adjective in the nominative, the likeliest first."""
        if not _CYRILLIC.match(word):
            return ()
        if word not in self._cached:
            if len(self._cached) >= CACHED_WORDS:
                self._cached.clear()
            self._cached[word] = tuple(self._read(word))
        return self._cached[word]

    def _read(self, word: str) -> Iterator[Paradigm]:
        found = False
        for parse in self._morph.parse(word):
            if parse.tag.POS in ("NOUN", "ADJF") and parse.tag.case == "nomn":
                found = True
                yield from _paradigms(word, parse)
            elif parse.tag.POS == "INFN":
                found = True
                yield _verb(parse)
        if not found and word[-1] not in _VOWELS | {"ь"}:  # Илон is known only as a form of Илона
            yield Paradigm("masc", True, _masculine(word))


def _paradigms(word: str, parse: Any) -> Iterator[Paradigm]:
    """A noun has one paradigm; an adjective has one for each gender."""
    is_noun = parse.tag.POS == "NOUN"
    if "Fixd" in parse.tag:
        is_slang = "Abbr" in parse.tag and word[-1] not in _VOWELS
        fixed: dict[Slot, tuple[str, ...]] = {("sing", case): (word,) for case in _MASCULINE}
        yield Paradigm(None, is_noun, _masculine(word) if is_slang else fixed)
        return
    gender = None if parse.tag.number == "plur" else str(parse.tag.gender)
    for each in (gender,) if is_noun or gender is None else ("masc", "femn", "neut"):
        yield Paradigm(each, is_noun, _slots(parse, each or parse.tag.gender))


def _verb(parse: Any) -> Paradigm:
    forms: dict[Slot, tuple[str, ...]] = {
        ("verb", str(number)): (form.word,) for number, form in enumerate(parse.lexeme)
    }
    return Paradigm(None, True, forms)


def _slots(parse: Any, gender: str | None) -> dict[Slot, tuple[str, ...]]:
    """The forms of ``gender`` (a person's name in the singular only) by number and case."""
    singular_only = parse.tag.number == "sing" and any(name in parse.tag for name in _NAMES)
    slots: dict[Slot, list[str]] = {}
    for form in parse.lexeme:
        tag = form.tag
        fits = not singular_only if tag.number == "plur" else tag.gender == gender
        if fits and tag.POS == parse.tag.POS:
            slots.setdefault((tag.number, _main_case(tag.case)), []).append(form.word)
    return {slot: tuple(words) for slot, words in slots.items()}


def _main_case(case: str) -> str:
    return {"gen1": "gent", "gen2": "gent", "loc1": "loct", "loc2": "loct", "acc2": "accs"}.get(case, case)


def _masculine(word: str) -> dict[Slot, tuple[str, ...]]:
    """The declension that speakers give an unknown word or abbreviation that ends in a consonant."""
    return {("sing", case): (word + ending,) for case, ending in _MASCULINE.items()}


def _inflected_together(paradigms: dict[int, tuple[Paradigm, ...]]) -> Iterable[tuple[int, ...]]:
    """Which words to inflect at a time: the first and the last noun with the adjectives before it, or all."""
    groups: list[tuple[int, ...]] = []
    group: tuple[int, ...] = ()
    for index, readings in paradigms.items():
        group = (*group, index)
        if any(reading.is_noun for reading in readings):
            groups.append(group)
            group = ()
    return dict.fromkeys([*groups[:1], *groups[-1:], *([tuple(paradigms)] if paradigms else [])])


def _agreeing(words: Sequence[tuple[Paradigm, ...]], plural: bool) -> Iterator[tuple[str, ...]]:
    """The words in one number and case at a time, for each gender in which they agree.

    Without ``plural`` a singular stays one.
    """
    if len(words) == 1:
        nouns = [reading for reading in words[0] if reading.is_noun]
        adjectives = [reading for reading in words[0] if not reading.is_noun]
        for reading in nouns[:1] + adjectives:
            for slot in _slots_of(reading, plural):
                yield from ((form,) for form in reading.forms[slot])
        return
    for gender in ("masc", "femn", "neut", None):
        chosen = [_of_gender(readings, gender) for readings in words]
        agreeing = [reading for reading in chosen if reading is not None]
        if len(agreeing) == len(words):
            for slot in _slots_of(agreeing[0], plural):
                yield from product(*(reading.forms.get(slot, ()) for reading in agreeing))


def _slots_of(reading: Paradigm, plural: bool) -> list[Slot]:
    return [slot for slot in reading.forms if plural or reading.gender is None or slot[0] == "sing"]


def _of_gender(readings: Sequence[Paradigm], gender: str | None) -> Paradigm | None:
    exact = [reading for reading in readings if reading.gender == gender]
    return next(iter(exact or [reading for reading in readings if reading.gender is None]), None)
