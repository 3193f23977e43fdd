"""Where a name ends and another word begins in a tag or handle: #МегаФонВернутьДеньги, #ненавижубилайн."""

from __future__ import annotations

import re
from typing import Final

from pipeline.core.vocabulary import Segmenter

_PART: Final = re.compile(r"[^\W_]*")
_BEFORE: Final = re.compile(r"[^\W_]*$")
_VOWEL: Final = re.compile(r"[аеёиоуыэюяaeiouy]", re.IGNORECASE)
_NEXT: Final = re.compile(r"_?(?:[^\W\d_][^\W\d_A-ZА-ЯЁ]*|[A-ZА-ЯЁ]+)")
_COMPANY: Final = re.compile(
    r"_?(?:(?:мега)?маркет|market|страхован|insurance|капитал|capital|лизинг|leasing|инвест|invest|медиа|media"
    r"|факторинг|логисти|logisti|мобайл|mobile|недвижимост|фармаци|секьюрити|энерго|нефт)",
    re.IGNORECASE,
)
"""Beginnings of words that make a company's name another one's: СберМаркет, АльфаСтрахование."""
_LONG: Final = 4
_ABBREVIATION: Final = 3
_MIN_REST: Final = 4
"""Letters that must stand beside a glued abbreviation (#логикамтс): fewer are the ending of another word."""
_LATIN: Final = 7
"""From this length on a Latin name counts beside any Latin letters: no dictionary of theirs is at hand."""
_MAX_LATIN_REST: Final = 12
_LONG_HANDLE: Final = 6
_OFFICIAL: Final = re.compile(
    r"_?(?:ru|rus|russia|rf|help|support|care|bank|online|news|official|info|team|life|pro|press|pr|kz|by|ua|uz|kg"
    r"|moscow|msk|spb|ural|sibir|volga|kuban|ug|dv)+\d{0,4}_?",
    re.IGNORECASE,
)


def is_seam(left: str, right: str) -> bool:
    """Whether a new word begins inside a tag between a character and the (up to two) next ones."""
    first = right[0]
    if not (left.isalnum() and first.isalnum()):
        return True
    if left.isdigit() or first.isdigit():
        return left.isdigit() != first.isdigit()
    return first.isupper() and (left.islower() or right[1:].islower())


def is_other_name(text: str, begin: int, stop: int, segmenter: Segmenter) -> bool:
    """Whether the name ``begin:stop`` of a tag only begins another: #СберМаркет, #ГазпромБанк."""
    if _COMPANY.match(text, stop):
        return True
    part = _NEXT.match(text, stop)
    return part is not None and segmenter.knows((text[begin:stop] + part.group().lstrip("_")).lower())


def is_glued(text: str, start: int, begin: int, stop: int, segmenter: Segmenter) -> bool:
    """Whether ``begin:stop`` is a name glued to ordinary words, in a tag that begins at ``start``."""
    before = _BEFORE.search(text[start:begin])
    after = _PART.match(text, stop)
    assert before is not None and after is not None  # both match nothing, too
    left, name, right = before.group().lower(), text[begin:stop].lower(), after.group().lower()
    if name.isascii():
        rest = left or right
        short = rest.isascii() and rest.isalpha() and len(rest) <= _MAX_LATIN_REST
        return len(name) >= _LATIN and short and not (left and right)
    is_abbreviation = len(name) == _ABBREVIATION and not _VOWEL.search(name)
    if len(name) < _LONG and not (is_abbreviation and len(left) + len(right) >= _MIN_REST):
        return False
    return not segmenter.knows(left + name + right) and segmenter.splits(left) and segmenter.splits(right)


def is_official(name: str, rest: str) -> bool:
    """Whether a handle is a name with what companies add to theirs: megafonhelp, beelinekz."""
    return len(name) >= _LONG_HANDLE and _OFFICIAL.fullmatch(rest) is not None
