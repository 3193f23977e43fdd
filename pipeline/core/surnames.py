"""Which nominatives a surname or given name in some case may have: declension by rules, for ``person_names``.

Rules after the Russian grammar of surnames (possessive -ов/-ин, adjectival -ский, other masculine and neuter
stems, -а); a woman's surname on a consonant, and all on -о, -у, -и, -е, -ых, stay as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from pipeline.core.given_names import Gender

ALL_CASES: Final = "ngdaip"
MAX_READINGS: Final = 32
_VOWELS: Final = "аеиоуыэюя"


class Reading(NamedTuple):
    """One way to read a word; all letters are lower-case with ``е`` for ``ё``."""

    lemma: str
    gender: Gender
    cases: str
    """Of ``n``, ``g``, ``d``, ``a``, ``i``, ``p`` (nominative to prepositional); ``a`` as persons have it."""
    gendered: bool
    """The word class has other forms for the other gender (-ов/-ова, -ский/-ская)."""


class _Rule(NamedTuple):
    form: str
    """Ending of the form."""
    lemma: str
    """Ending of the nominative, in place of ``form``."""
    stem: re.Pattern[str]
    """What must stand before the ending."""
    gender: Gender
    cases: str
    gendered: bool


def _rules() -> list[_Rule]:
    possessive = re.compile(r"..(?:[оеё]в|[иы]н)$")
    hard = re.compile(r"..[бвдзлмнпрст]$")
    adjectival = re.compile(r"..[бвгджзклмнпрстхчшщ]$")
    soft = re.compile(r"..[гкхжшщчн]$")
    consonant = re.compile(r".[бвгджзклмнпрстфхцчшщ]$")
    stem_j = re.compile(rf".[{_VOWELS}]$")
    kravets = re.compile(rf"..[^{_VOWELS}]$")
    found: list[_Rule] = []

    def add(stem: re.Pattern[str], lemma: str, gender: Gender, gendered: bool, forms: str) -> None:
        for item in forms.split():
            form, cases = item.split(":")
            found.append(_Rule(form.replace("-", ""), lemma, stem, gender, cases, gendered))

    add(possessive, "", "m", True, "-:n а:ga у:d ым:i е:p")
    add(possessive, "а", "f", True, "а:n ой:gdip ою:i у:a")
    add(hard, "ый", "m", True, "ый:n ого:ga ому:d ым:i ом:p")
    add(adjectival, "ой", "m", True, "ой:n ого:ga ому:d ым:i им:i ом:p")
    add(soft, "ий", "m", True, "ий:n ого:ga его:ga ому:d ему:d им:i ом:p ем:p")
    add(adjectival, "ая", "f", True, "ая:n ой:gdip ей:gdip ую:a")
    add(consonant, "", "m", False, "-:n а:ga у:d ом:i ем:i е:p")
    add(consonant, "", "f", False, "-:ngdaip")
    add(re.compile("^пав$"), "ел", "m", False, "ла:ga лу:d лом:i ле:p")
    add(re.compile("^л$"), "ев", "m", False, "ьва:ga ьву:d ьвом:i ьве:p")
    add(kravets, "ец", "m", False, "ца:ga цу:d цом:i цем:i це:p")
    add(consonant, "ь", "m", False, "ь:n я:ga ю:d ем:i е:p")
    add(consonant, "ь", "f", False, "ь:na и:gdp ью:i")
    add(stem_j, "й", "m", False, "й:n я:ga ю:d ем:i е:p и:p")
    add(consonant, "а", "", False, "а:n ы:g и:g е:dp у:a ой:i ей:i")
    add(re.compile(r"..$"), "я", "", False, "я:n и:gdp е:dp ю:a ей:i")
    add(re.compile(r"..(?:[еиоуыэю]|[ыи]х)$"), "", "", False, "-:ngdaip")
    return found


_RULES: Final = _rules()
_LONGEST: Final = max(len(rule.form) for rule in _RULES)
_BY_FORM: Final[dict[str, list[_Rule]]] = {
    ending: [rule for rule in _RULES if rule.form == ending] for ending in {rule.form for rule in _RULES}
}


def plain(word: str) -> str:
    """Lower-case, ``е`` for ``ё``: how names are compared."""
    return word.casefold().replace("ё", "е")


_ONLY_ADJECTIVAL: Final = ("ого", "ому", "ую", "овая", "кая", "кий", "ским", "цким")
_POSSESSIVE: Final = re.compile(r"..(?:[ое]в|[иы]н)а?$")


@lru_cache(8_192)
def readings(word: str) -> tuple[Reading, ...]:
    """All readings of a surname or given name in any case of letters; the likelier classes come first.

    What has a possessive form is read as one; the parts of a double name agree.

    >>> [(reading.lemma, reading.gender) for reading in readings("Иванову")]
    [('иванов', 'm'), ('иванова', 'f')]
    """
    parts = plain(word).split("-")
    found = _simple(parts[0])
    for part in parts[1:]:
        found = tuple(
            Reading(f"{a.lemma}-{b.lemma}", a.gender or b.gender, cases, a.gendered or b.gendered)
            for a in found
            for b in _simple(part)
            if (cases := common(a.cases, b.cases)) and (a.gender == b.gender or not (a.gender and b.gender))
        )
    return found[:MAX_READINGS]


def common(cases: str, others: str) -> str:
    """The cases that are in both."""
    return "".join(case for case in cases if case in others)


def _simple(word: str) -> tuple[Reading, ...]:
    found = [
        Reading(stem + rule.lemma, rule.gender, rule.cases, rule.gendered)
        for size in range(min(_LONGEST, len(word)) + 1)
        for rule in _BY_FORM.get(word[len(word) - size :], ())
        if rule.stem.search(stem := word[: len(word) - size])
    ]
    gendered = [reading for reading in found if reading.gendered]
    if word.endswith(_ONLY_ADJECTIVAL) and gendered:
        return tuple(gendered)
    possessive = [reading for reading in gendered if _POSSESSIVE.search(reading.lemma)]
    if possessive:  # Ивановой, but also Яровой
        return tuple(possessive + [one for one in gendered if word.endswith("ой") and one not in possessive])
    return tuple(gendered + [one for one in found if not one.gendered]) or (
        Reading(word, "", ALL_CASES, False),
    )
