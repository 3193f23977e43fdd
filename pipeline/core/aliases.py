"""The spellings of an alias that the matcher looks for: inflected, joined, split, in the other alphabet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pipeline.core.fold import plain
from pipeline.core.translit import transliterations
from pipeline.core.watchlist import Alias, WatchObject

Inflect = Callable[[str], Iterable[str]]
"""A phrase -> its inflected forms (`pipeline.nlp.inflection.Inflector.forms` in production)."""

_LETTER_DIGIT = re.compile(r"(?<=[^\W\d])(?=\d)")
_SEPARATOR = re.compile(r"[\s._'’-]+")
_JOINED_LETTERS = 6


class Form(NamedTuple):
    """One spelling in `plain` letters and how it came about: ``alias``, ``inflected`` or ``translit``."""

    plain: str
    rule: str


def forms(alias: Alias, watched: WatchObject, inflect: Inflect) -> tuple[Form, ...]:
    """All spellings of an alias, each once, the written ones first."""
    if alias.exact:
        return (Form(plain(alias.text), "alias"),)
    names = [alias.text.lower()]
    if watched.kind == "person":
        names += _name_orders(names[0])
    inflected = list(dict.fromkeys(form for name in names for form in inflect(name)))
    found: dict[str, str] = {}
    for rule, spellings in (
        ("alias", names[:1]),
        ("inflected", [*names[1:], *inflected]),
        ("translit", _other_alphabet(alias, names[0], inflected, inflect)),
    ):
        for spelling in spellings:
            for variant in _variants(spelling):
                found.setdefault(variant, rule)
    return tuple(Form(variant, rule) for variant, rule in found.items() if variant)


def context_forms(word: str, inflect: Inflect) -> Iterator[str]:
    """The spellings of a context word in `plain` letters."""
    for form in dict.fromkeys((word.lower(), *inflect(word.lower()))):
        yield from _variants(form)


def _other_alphabet(alias: Alias, name: str, inflected: list[str], inflect: Inflect) -> Iterator[str]:
    if not alias.translit:
        return
    for spelling in transliterations(name):
        yield spelling
        if not spelling.isascii():
            yield from inflect(spelling)
    for form in inflected:
        yield from transliterations(form)[:1]


def _variants(spelling: str) -> Iterator[str]:
    """As written; with blanks for dots and the like; joined; digits apart (м видео, мвидео, теле 2)."""
    yield plain(spelling)
    parts = [part for part in _SEPARATOR.split(spelling) if part]
    yield plain(" ".join(parts))
    joined = "".join(parts)
    if len(parts) > 1 and (len(joined) >= _JOINED_LETTERS or " " not in spelling):
        yield plain(joined)
    split = _LETTER_DIGIT.sub(" ", spelling)
    if split != spelling:
        yield plain(split)


def _name_orders(name: str) -> list[str]:
    """A person's name, given name first, as it is also written: surname first, and with initials."""
    parts = name.split()
    if len(parts) not in (2, 3):
        return []
    *given, surname = parts
    initials = [f"{part[0]}." for part in given]
    orders = [[surname, *given], [*initials, surname], [surname, *initials]]
    orders += [["".join(initials) + surname], ["".join(initials), surname], [surname, "".join(initials)]]
    if len(given) == 2:
        first = given[0]
        orders += [[first, surname], [surname, first], [initials[0], surname], [surname, initials[0]]]
        orders += [[initials[0] + surname]]
    return [" ".join(order) for order in orders]
