"""Names with something between or in place of their letters: с б е р, с-б-е-р, cб_ер, сб*р, бил@йн.

Only what is written so on purpose is sought: letters one by one, signs inside a word, a sign for a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipeline.core.fold import skeleton

_DASHES: Final = "\u2010-\u2015\u2212"
_SIGNS: Final = rf"\-._*'’`|~·•@$#%!+=^{_DASHES}"
_LETTERS_OF: Final = {ord("@"): "а", ord("$"): "с", ord("!"): "и"}
_WILD: Final = re.compile(r"[*#%^+=|~·•]")
WILD: Final = "*"

_SIGN_INSIDE: Final = re.compile(rf"[{_SIGNS}](?<=[^\W_].)[{_SIGNS}]{{0,2}}(?=[^\W_])|\$(?=\w)")
_TOKEN: Final = re.compile(rf"(?<![\w@#.])[^\W_]++(?:[{_SIGNS}]{{1,3}}+[^\W_]++)++(?!\w)")
_SIGN: Final = re.compile(rf"[{_SIGNS}]+")
_MASKS: Final = r"*@$#%!+=^|~·•"
_MASKED: Final = re.compile(rf"(?<![\w@#$])\$?\w++(?:[{_MASKS}]{{1,3}}+\w++)++|(?<![\w$])\$\w++")

_APART_SEEN: Final = re.compile(r"[ .]\w[ .]{1,2}\w(?!\w)")
_APART: Final = re.compile(r"(?<!\w)\w(?:([ .]{1,2})\w(?!\w))(?:\1\w(?!\w))+")

_MIN_LETTERS: Final = 3
_SHORT: Final = 4
"""Shorter names must be taken apart wholly: м.т.с, not м.тс."""
_SMALL_WORDS: Final = frozenset("авикосуя")


class Disguise(NamedTuple):
    """A place that can hold a name: ``pattern`` is its skeleton, with `WILD` for an unknown letter."""

    start: int
    end: int
    pattern: str
    rule: str
    """``separated`` or ``masked``."""


def seems_disguised(text: str) -> bool:
    """Whether a sign stands inside a word."""
    return _SIGN_INSIDE.search(text) is not None


def in_piece(text: str) -> Iterator[Disguise]:
    """Words with signs inside, by their place in the text."""
    for token in _TOKEN.finditer(text):
        pieces = _SIGN.split(token.group())
        if len(pieces) > 1 and _may_be_separated(token.group(), pieces):
            yield Disguise(*token.span(), skeleton("".join(pieces)), "separated")
    for token in _MASKED.finditer(text):
        masked = _WILD.sub(WILD, token.group().translate(_LETTERS_OF))
        known = len(masked) - masked.count(WILD)
        if known >= max(_MIN_LETTERS, len(masked) / 2):
            yield Disguise(*token.span(), skeleton(masked), "masked")


def seems_apart(folded: str) -> bool:
    """Whether two letters stand alone side by side in a skeleton."""
    return _APART_SEEN.search(folded) is not None


def apart(folded: str) -> Iterator[tuple[int, int, str]]:
    """Rows of single letters in a skeleton: where one starts, the step between letters, the letters."""
    for row in _APART.finditer(folded):
        yield row.start(), len(row[1]) + 1, row.group()[:: len(row[1]) + 1]


def may_stand(letters: str, start: int, end: int) -> bool:
    """Whether a name may be ``letters[start:end]`` of a row: the rest must be words of one letter."""
    return end - start >= _MIN_LETTERS and all(
        letter in _SMALL_WORDS for letter in letters[:start] + letters[end:]
    )


def _may_be_separated(written: str, pieces: list[str]) -> bool:
    joined = sum(map(len, pieces))
    if joined < _MIN_LETTERS or not pieces[0]:
        return False
    if joined < _SHORT and len(pieces) < joined:
        return False
    return not (len(pieces) == 2 and "." in written and 1 in map(len, pieces))  # an initial: С.Бер
