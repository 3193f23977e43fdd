"""Full names of people as they are written, from NER's spans and normal forms, for ``people``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.core.given_names import (
    Gender,
    comes_first,
    ends_as_patronymic,
    given_name_gender,
    is_patronymic,
)
from pipeline.core.surnames import ALL_CASES, Reading, common, plain, readings

_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_NAME_ENDS: Final = re.compile(r"[^\w .'’\u00a0-]|[\n\d]|(?<=\s)-+\s")
"""A bracket, a line's end, a dash: what follows is no part of the name."""
_NUMERAL: Final = re.compile("[IVX]+")
_ADDRESSES: Final = frozenset(
    {"привет", "здравствуйте", "здравствуй", "спасибо", "господин", "госпожа", "товарищ", "уважаемый"}
)
"""Words before a name that NER takes for a part of it."""
MAX_WORDS: Final = 5
MAX_LIKELY: Final = 4


class Person(NamedTuple):
    """A full name; what is compared is lower-case (`surnames.plain`)."""

    name: str
    """Given name and surname in the nominative, as people read it; ``е`` for ``ё``, which people mix."""
    given: str
    patronymic: str
    """Empty: not stated."""
    surname: str
    """Its last word."""
    gender: Gender


class Word(NamedTuple):
    """A word of a name as it was written, and its normal form by NER."""

    text: str
    normal: str

    @property
    def patronymic(self) -> str:
        """The patronymic that it is, or nothing."""
        lemmas = (plain(self.normal), *(reading.lemma for reading in readings(self.text)))
        return next((lemma for lemma in lemmas if is_patronymic(lemma)), "")

    @property
    def like_patronymic(self) -> str:
        """The patronymic that it seems to be by its ending, or nothing."""
        return plain(self.normal) if ends_as_patronymic(self.normal) else ""

    @property
    def is_given(self) -> bool:
        """Whether it may be a known given name."""
        return next(self.given_readings(), None) is not None

    def given_readings(self) -> Iterator[Reading]:
        """Readings as a known given name; NER's own first."""
        normal = plain(self.normal)
        gender = given_name_gender(normal)
        found = readings(self.text)
        if gender is not None:
            cases = "".join(reading.cases for reading in found if reading.lemma == normal) or ALL_CASES
            yield Reading(normal, gender, cases, False)
        for reading in found:
            known = given_name_gender(reading.lemma)
            if known is not None and reading.lemma != normal and not reading.gendered:
                yield Reading(reading.lemma, known, reading.cases, False)

    def unknown_readings(self, gender: Gender) -> list[Reading]:
        """The reading as NER has it where that is not known as a given name."""
        normal = plain(self.normal)
        if given_name_gender(normal) is not None:
            return []
        if normal == plain(self.text):
            return [] if self.is_given else [Reading(normal, gender, ALL_CASES, False)]
        cases = "".join(reading.cases for reading in readings(self.text) if reading.lemma == normal)
        return [Reading(normal, gender, cases or ALL_CASES, False)]

    def surname_readings(self) -> list[Reading]:
        """The readings as a surname, NER's own first, also where its declension follows no rule (Христа)."""
        normal = plain(self.normal)
        found = sorted(readings(self.text), key=lambda one: one.lemma != normal)
        if normal != plain(self.text) and found[0].lemma != normal:
            return [Reading(normal, "", ALL_CASES, False), *found]
        return found


@lru_cache(8_192)
def full_names(text: str, normal: str) -> tuple[Person, ...]:
    """The full names that a span may be, the likeliest first; empty: it is no full name.

    More than one where the declension leaves it open («Илона Маска»).

    >>> [person.name for person in full_names("Эльвиру Набиуллину", "Эльвира Набиуллину")]
    ['Эльвира Набиуллина']
    """
    words, _ = split(text, normal)
    if not 2 <= len(words) <= MAX_WORDS:
        return ()
    if len(words) == 3 and (middle := words[1].patronymic or words[1].like_patronymic):
        return _persons(words[0], words[2:], middle)
    if len(words) == 3 and (last := words[2].patronymic or words[2].like_patronymic):
        return _persons(words[1], words[:1], last)
    if any(word.patronymic or _NUMERAL.fullmatch(word.text) for word in words):
        return ()
    if len(words) == 2 and not words[0].is_given and words[1].is_given and not comes_first(words[1].normal):
        return _persons(words[1], words[:1], "")
    both = len(words) == 2 and words[0].is_given and words[1].is_given
    if both and not comes_first(words[1].normal) and not readings(words[1].text)[0].gendered:
        return ()
    if len(words) > 2 and not words[0].is_given:
        return ()
    return _persons(words[0], words[1:], "")


def _persons(given: Word, surname: Sequence[Word], patronymic: str) -> tuple[Person, ...]:
    """Given names and surnames that agree in gender and case."""
    if not (given.text[:1].isupper() and surname[-1].text[:1].isupper()):
        return ()
    sure: Gender = "" if not patronymic else "f" if patronymic.endswith("на") else "m"
    firsts = list(given.given_readings()) + given.unknown_readings(sure)
    last = surname[-1]
    found: dict[str, Person] = {}
    for first in firsts:
        gender = sure or first.gender
        for reading in last.surname_readings():
            if not common(first.cases, reading.cases) or (gender and reading.gender not in ("", gender)):
                continue
            whole = " ".join([*(word.normal for word in surname[:-1]), shaped(reading.lemma, last)])
            name = f"{shaped(first.lemma, given)} {whole}"
            known = gender or (reading.gender if reading.gendered else "")
            found.setdefault(plain(name), Person(name, first.lemma, patronymic, reading.lemma, known))
    return _likely(list(found.values()), plain(last.normal))


def _likely(found: list[Person], normal: str) -> tuple[Person, ...]:
    """The reading that NER's normal form supports, then those that compete with it."""
    best = [person for person in found if person.surname == normal]
    first = (best or found)[:1]
    return tuple(first + [person for person in found if person not in first][: MAX_LIKELY - 1])


def shaped(lemma: str, word: Word) -> str:
    """A lemma with the capitals of the word as it was written."""
    parts, lemmas = word.text.split("-"), lemma.split("-")
    if len(parts) == len(lemmas) > 1:
        return "-".join(shaped(part, Word(text, text)) for part, text in zip(lemmas, parts, strict=True))
    written = word.text.replace("ё", "е").replace("Ё", "Е")
    kept = 0
    while kept < min(len(lemma), len(written)) and plain(written[kept]) == lemma[kept]:
        kept += 1
    return _title(written[:kept] + lemma[kept:])


def _title(word: str) -> str:
    """Capitals at the parts' beginnings; mixed case (МакГрегор) stays."""
    if word.isupper() or word.islower():
        return "-".join(part[:1].upper() + part[1:].lower() for part in word.split("-"))
    return word


def split(text: str, normal: str) -> tuple[list[Word], list[str]]:
    """The words of a name and its initials."""
    words, normals = (
        _WORD.findall(_NAME_ENDS.split(text, 1)[0]),
        _WORD.findall(_NAME_ENDS.split(normal, 1)[0]),
    )
    if len(words) != len(normals):
        normals = words
    pairs = [Word(*pair) for pair in zip(words, normals, strict=True)]
    whole = [pair for pair in pairs if len(pair.text) > 1 and plain(pair.text) not in _ADDRESSES]
    return whole, [pair.text for pair in pairs if len(pair.text) == 1]
