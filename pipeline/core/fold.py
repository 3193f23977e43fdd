"""One spelling for what readers see as one word: the folds that the matcher compares texts and aliases in.

``plain`` forgets case, ё/е, й/и, accents, invisible characters and the kind of separator; ``skeleton`` also
forgets which alphabet a letter is from (c and с, 0 and о), and remembers the way back to the original.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipeline.core.text import DROPPED, Offsets, rewrite

_INVISIBLE: Final = "\x00"
_FOLDED_RANGES: Final = ((0, 0x530), (0x1D00, 0x2000), (0xFF01, 0xFF5F), (0x1D400, 0x1D800))
_SEPARATORS: Final = (
    "_-\u2010\u2011\u2012\u2013\u2014\u2015\u2212'`\u2018\u2019\u201a\"\u201c\u201d\u201e«»‹›"
)
_TWINS: Final = {
    **dict(zip("abcehkmoptxy", "авсенкмортху", strict=True)),
    **dict(zip("αβεηικμνορτυχ", "авенiкмvортух", strict=True)),
    **dict(zip("036", "озб", strict=True)),
    **dict(zip("іѕјԛԝӏ1", "isjqwll", strict=True)),
}
"""Letters and digits that stand in for one another, in lower case, to the one that represents them."""

_SEEN_ALIKE: Final = frozenset("ABCEHKMOPTXYaceopxyАВСЕНКМОРТХУасеорху")
"""Letters that look like one of the other alphabet as they are written (m and т do not)."""

_ENTITIES: Final = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    **dict.fromkeys(("&quot;", "&apos;", "&nbsp;", "&laquo;", "&raquo;", "&#39;", "&#039;", "&#34;"), " "),
}


class _Fold(dict[int, int]):
    """A table for ``str.translate`` that leaves unlisted characters as they are, without raising."""

    def __missing__(self, char: int) -> int:
        return char


def _base(char: str) -> str:
    """The letter under its case, width and diacritics; the character itself where that is not one letter."""
    lower = unicodedata.normalize("NFKD", char).lower()
    bases = [part for part in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(part)]
    return bases[0] if len(bases) == 1 else char


def _plain_table() -> _Fold:
    table = _Fold()
    dropped = re.compile(f"[{DROPPED}\u0300-\u036f\u200d\ufe00-\ufe0f]")
    chars = [chr(code) for first, end in _FOLDED_RANGES for code in range(first, end)]
    for char in chars:
        table[ord(char)] = ord(_base(char))
    for char in [*chars, *map(chr, range(0x2000, 0x2070)), "\u180e", "\u3000", "\ufeff"]:
        if dropped.match(char):
            table[ord(char)] = ord(_INVISIBLE)
        elif char.isspace():
            table[ord(char)] = ord(" ")
    table |= {code: ord(_INVISIBLE) for code in range(0xFE00, 0xFE10)}
    table |= {ord(char): ord(" ") for char in _SEPARATORS}
    return table


_PLAIN: Final = _plain_table()
_SKELETON: Final = _Fold({code: ord(_TWINS.get(chr(plain), chr(plain))) for code, plain in _PLAIN.items()})


_PUT: Final = _ENTITIES | {name.translate(_SKELETON): char for name, char in _ENTITIES.items()}
_SQUEEZED: Final = re.compile("|".join(map(re.escape, _PUT)) + r"|[\x00 ]{2,}|\x00")


def plain(text: str) -> str:
    """The spelling in which two writings of one word are equal, alphabets kept apart."""
    return _squeeze(text.translate(_PLAIN)).strip()


def skeleton(text: str) -> str:
    """The spelling in which look-alikes are equal too; `offsets` leads back to the characters of ``text``."""
    return _squeeze(text.translate(_SKELETON))


def offsets(text: str) -> Offsets:
    """The way from positions in ``skeleton(text)`` to those in ``text``."""
    return rewrite(text.translate(_SKELETON), _SQUEEZED, _put)[1]


def is_disguise(written: str, alias: str) -> bool:
    """Whether ``written``, which differs from ``alias`` (plain) only by look-alikes, can be meant as it.

    True for words of mixed alphabets (cбep), with digits among letters (о3он), or wholly written with letters
    that look the same in the other alphabet (MTC in Latin); False for other words of another alphabet.
    """
    letters = [char for char in written if char.isalpha()]
    if not letters:
        return False
    alphabets = {_alphabet(char) for char in letters}
    if len(alphabets) > 1 or all(char in _SEEN_ALIKE for char in letters):
        return True
    return alphabets == {_alphabet(char) for char in alias if char.isalpha()}


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _squeeze(folded: str) -> str:
    if "  " in folded or _INVISIBLE in folded or "&" in folded:
        return _SQUEEZED.sub(_put, folded)
    return folded


def _put(match: re.Match[str]) -> str:
    found = match.group()
    return _PUT[found] if found[0] == "&" else " " if " " in found else ""
