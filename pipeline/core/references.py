"""Parts of people's names that only a known full name can explain: a surname, initials, a patronymic.

``people`` looks up what a reference may mean; the words beside it tell the gender of a surname.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pipeline.core.given_names import Gender
from pipeline.core.person_names import Person, Word, shaped, split
from pipeline.core.surnames import Reading, plain, readings

_INITIALS_AFTER: Final = re.compile(r"[ \u00a0]?([А-ЯЁ])\.[ \u00a0]?(?:([А-ЯЁ])\.)?")
_INITIALS_BEFORE: Final = re.compile(r"(?<!\w)([А-ЯЁ])\.[ \u00a0]?(?:([А-ЯЁ])\.[ \u00a0]?)?$")
_LAST_WORD: Final = re.compile(r"(\w+)[ \u00a0«\"]*$")
_NEXT_WORD: Final = re.compile(r"[ \u00a0»\"]*(\w+)")
_PREPOSITIONS: Final = """
без благодаря вместо вокруг для до за из изо к ко кроме между мимо на над насчет о об обо около от ото
перед по под после при про против ради с со согласно среди у через
"""
_OBLIQUE: Final = frozenset(_PREPOSITIONS.split())
"""No nominative follows these prepositions."""

_DATIVE: Final = frozenset({"к", "ко", "по", "благодаря", "согласно", "вопреки"})


class Reference(NamedTuple):
    """A part of a name: a surname with initials or without, or a given name with a patronymic."""

    surnames: tuple[Reading, ...]
    given: str
    """Whole, or one letter, or empty."""
    patronymic: str
    claimed: Gender
    """The gender that the form which NER chose implies, where the surname has two; evidence, not proof."""
    certain: bool
    """The gender is sure by what stands beside: «об Иванове», «Иванова сказала»."""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The nominatives that the surname may have."""
        return tuple(dict.fromkeys(reading.lemma for reading in self.surnames))

    def may_be(self, person: Person) -> bool:
        """Whether nothing in the reference contradicts the full name."""
        if not person.given.startswith(self.given) or (len(self.given) > 1 and person.given != self.given):
            return False
        if self.patronymic and person.patronymic:
            whole = len(self.patronymic) > 1
            if not person.patronymic.startswith(self.patronymic) or (
                whole and person.patronymic != self.patronymic
            ):
                return False
        if not self.surnames:
            return True
        if self.certain and self.claimed and person.gender and self.claimed != person.gender:
            return False
        return any(
            person.surname == reading.lemma and (not person.gender or reading.gender in ("", person.gender))
            for reading in self.surnames
        )


def reference(text: str, normal: str, before: str, after: str) -> Reference | None:
    """The reference that a span is; None: a full name, a given name alone, or nothing that can be traced.

    Args:
        before, after: what stands beside the span in the post; a few characters are enough.
    """
    words, initials = split(text, normal)
    if len(words) == 2 and not initials:
        return _by_patronymic(words)
    if len(words) != 1 or words[0].patronymic or (words[0].is_given and not initials):
        return None
    word = words[0]
    if not initials and (beside := _INITIALS_AFTER.match(after) or _INITIALS_BEFORE.search(before)):
        initials = [letter for letter in beside.groups() if letter]
    given, patronymic = (*(plain(letter) for letter in initials[:2]), "", "")[:2]
    claimed, certain = _gender(word, before, after)
    return Reference(readings(word.text), given, patronymic, claimed, certain)


def nominative(text: str, normal: str, before: str) -> str:
    """A surname alone in the nominative: NER's normal form, repaired where it left another case.

    >>> nominative("Набиуллину", "Набиуллину", "ждём ")
    'Набиуллина'
    """
    found = readings(text)
    if plain(normal) != plain(text) or any("n" in reading.cases for reading in found):
        return normal
    last = _LAST_WORD.search(before)
    wanted = "d" if last and plain(last[1]) in _DATIVE else "ag"
    fitting = [reading for reading in found if set(reading.cases) & set(wanted)] or list(found)
    return shaped(fitting[0].lemma, Word(text, normal))


def _by_patronymic(words: Sequence[Word]) -> Reference | None:
    first, second = words
    if second.patronymic and not first.patronymic:
        return Reference((), plain(first.normal), second.patronymic, "", False)
    if first.patronymic and not second.patronymic and not second.is_given:
        return Reference(readings(second.text), "", first.patronymic, "", False)
    return None


def _gender(word: Word, before: str, after: str) -> tuple[Gender, bool]:
    """What gender a surname shows, and whether that is certain."""
    found = readings(word.text)
    genders = {reading.gender for reading in found}
    if not all(reading.gendered for reading in found):
        return "", False
    if len(genders) == 1:
        return next(iter(genders)), True
    last, following = _LAST_WORD.search(before), _NEXT_WORD.match(after)
    nominative = next((reading for reading in found if "n" in reading.cases), None)
    if nominative is not None:
        if last and plain(last[1]) in _OBLIQUE:
            return ("m" if nominative.gender == "f" else "f"), True
        if any(beside and beside[1].endswith(("ла", "лась")) for beside in (following, last)):
            return nominative.gender, True
    chosen = next((reading for reading in found if reading.lemma == plain(word.normal)), None)
    if chosen is None:
        return "", False
    return chosen.gender, nominative is not None and chosen is not nominative
