"""Spellings of a name in the other alphabet, as people type them: Сбербанк - sberbank, Megafon - мегафон."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice, product
from typing import Final

MAX_SPELLINGS = 12

_TO_LATIN: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "з": "z", "и": "i", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "ч": "ch", "ш": "sh", "ъ": "", "ы": "y", "ь": "", "э": "e",
}  # fmt: skip
_TO_LATIN_VARIED: Final = {
    "кс": ("ks", "x"),
    "ж": ("zh", "j"),
    "й": ("y", "i", "j"),
    "х": ("h", "kh"),
    "ц": ("ts", "c"),
    "щ": ("shch", "sch"),
    "ю": ("yu", "u"),
    "я": ("ya", "ia"),
}
_TO_CYRILLIC: Final = {
    "a": "а", "b": "б", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "k": "к", "l": "л",
    "m": "м", "n": "н", "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в",
    "w": "в", "x": "кс", "z": "з",
    "ch": "ч", "ck": "к", "ee": "и", "kh": "х", "oo": "у", "ph": "ф", "sch": "ш", "sh": "ш", "shch": "щ",
    "th": "т", "ts": "ц", "yo": "ё", "yu": "ю", "ya": "я", "zh": "ж",
}  # fmt: skip
_TO_CYRILLIC_VARIED: Final = {"c": ("к", "с"), "j": ("дж", "й"), "y": ("и", "й")}

_LATIN_TOKEN = re.compile(
    "|".join(sorted([*_TO_CYRILLIC, *_TO_CYRILLIC_VARIED], key=len, reverse=True)) + "|."
)
_CYRILLIC_TOKEN = re.compile("кс|.", re.DOTALL)
_CYRILLIC = re.compile(r"[а-яё]")
_LATIN = re.compile(r"[a-z]")
_VOWEL = re.compile(r"[аеёиоуыэюяaeiouy]")


def transliterations(name: str) -> tuple[str, ...]:
    """Spellings of ``name`` (lower case) in the other alphabet, the most usual first.

    None where the name mixes alphabets, or is so short that its letters make many other words
    (three letters are enough only for an abbreviation without vowels).
    """
    letters = sum(char.isalpha() for char in name)
    if letters < (4 if _VOWEL.search(name) else 3):
        return ()
    if not _LATIN.search(name):
        return _spell(_CYRILLIC_TOKEN.findall(name), _TO_LATIN, _TO_LATIN_VARIED)
    if not _CYRILLIC.search(name) and name.isascii() and _VOWEL.search(name):
        return _spell(_LATIN_TOKEN.findall(name), _TO_CYRILLIC, _TO_CYRILLIC_VARIED)
    return ()


def _spell(
    tokens: list[str], fixed: Mapping[str, str], varied: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    choices = [varied.get(token) or (fixed.get(token, token),) for token in tokens]
    return tuple(dict.fromkeys("".join(parts) for parts in islice(product(*choices), MAX_SPELLINGS)))
