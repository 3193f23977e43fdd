"""Which letters Russians mistake for which: whether a word can be a slip of the pen or finger for a name.

Works on skeletons (``fold.py``). Errors are of hearing (vowel reduction, voicing, soft sign, doubled
letters; a word may have several) or of typing (a swap, a dropped, doubled or neighbouring key; one).
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.core.fold import skeleton

MIN_LETTERS: Final = 6
SURE_LETTERS: Final = 7
"""From this length on a dropped, inserted or neighbouring key is believed; shorter words look alike."""

_MAX_HEARD: Final = 2
_ROWS: Final = ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SOUNDS: Final = (
    "оаoa",
    "еиэяыei",
    "ую",
    "бп",
    "вф",
    "гк",
    "дт",
    "жшщ",
    "зс",
    "чщ",
    "цс",
    "yi",
    "сk",
    "sz",
    "гх",
)
_SOUND: Final = {
    **dict.fromkeys("оаoa", "а"),
    **dict.fromkeys("еиэяыеeiy", "и"),
    **dict.fromkeys("бп", "п"),
    **dict.fromkeys("вф", "ф"),
    **dict.fromkeys("гк", "к"),
    **dict.fromkeys("дт", "т"),
    **dict.fromkeys("жшщ", "ш"),
    **dict.fromkeys("зс", "с"),
    "ю": "у",
    "ь": "",
    "ъ": "",
}
_CODE: Final = {ord(skeleton(letter)): sound for letter, sound in _SOUND.items()}
_DOUBLED: Final = re.compile(r"(.)\1+")


def _pairs(groups: tuple[str, ...]) -> frozenset[str]:
    folded = [skeleton(group) for group in groups]
    return frozenset(a + b for group in folded for a in group for b in group if a != b)


def _neighbours() -> frozenset[str]:
    """Keys side by side; between rows, each key touches the one above it and the next (as on a keyboard)."""
    touching = [row[at : at + 2] for row in _ROWS for at in range(len(row) - 1)]
    for upper, lower in ((0, 1), (1, 2), (3, 4), (4, 5)):
        for at, key in enumerate(_ROWS[lower]):
            touching += [key + other for other in _ROWS[upper][at : at + 2]]
    return _pairs(tuple(touching))


_HEARD: Final = _pairs(_SOUNDS)
_TOUCHED: Final = _neighbours()
_SILENT: Final = frozenset("ьъ")


def sound(word: str) -> str:
    """The word as it is heard: words with one sound are spelled alike by ear."""
    return _DOUBLED.sub(r"\1", word.translate(_CODE))


def sounds_alike(written: str, heard: str, name: str) -> bool:
    """Whether ``written``, heard as ``heard`` (its `sound`), is ``name`` spelled by ear."""
    return (
        abs(len(written) - len(name)) <= _MAX_HEARD
        and written[0] == name[0]
        and len(name) >= MIN_LETTERS
        and sound(name) == heard
    )


def is_slip(written: str, name: str, *, careful: bool = False) -> bool:
    """Whether ``written`` is one error away from ``name`` (skeletons of single words, not equal).

    ``careful`` allows only errors of hearing and swapped letters: for surnames, which differ by a letter.
    """
    if abs(len(written) - len(name)) > 1 or len(name) < MIN_LETTERS:
        return False
    if written[:3] != name[:3] and written[-3:] != name[-3:]:
        return False
    start = 0
    while start < min(len(written), len(name)) and written[start] == name[start]:
        start += 1
    end = 0
    while end < min(len(written), len(name)) - start and written[-1 - end] == name[-1 - end]:
        end += 1
    wrong, right = written[start : len(written) - end], name[start : len(name) - end]
    if len(wrong) == len(right) == 2:
        return wrong == right[::-1]
    if len(wrong) > 1 or len(right) > 1:
        return False
    sure = not careful and start > 0 and len(name) >= SURE_LETTERS
    if wrong and right:
        return wrong + right in _HEARD or (sure and wrong + right in _TOUCHED)
    return _is_extra(wrong, written, start, sure) if wrong else _is_dropped(right, name, start, sure)


def _is_extra(letter: str, written: str, at: int, sure: bool) -> bool:
    around = written[max(0, at - 1) : at] + written[at + 1 : at + 2]
    return letter in _SILENT or letter in around or (sure and any(letter + key in _TOUCHED for key in around))


def _is_dropped(letter: str, name: str, at: int, sure: bool) -> bool:
    doubled = letter in name[max(0, at - 1) : at] + name[at + 1 : at + 2]
    return letter in _SILENT or doubled or (sure and at < len(name) - 1)
