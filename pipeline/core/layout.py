"""Text typed with the keyboard switched to the other alphabet: ,bkfqy is билайн, иуудшту is beeline."""

from __future__ import annotations

import re
from typing import Final

from pipeline.core.fold import skeleton
from pipeline.core.vocabulary import Segmenter

_KEYS_LATIN: Final = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_KEYS_RUSSIAN: Final = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_SHIFTED: Final = ('~{}:"<>', "ёхъжэбю")

_TO_RUSSIAN: Final = str.maketrans(_KEYS_LATIN + _SHIFTED[0], _KEYS_RUSSIAN + _SHIFTED[1])
_TO_LATIN: Final = str.maketrans(_KEYS_RUSSIAN, _KEYS_LATIN)
_LATIN_SKELETON: Final = str.maketrans(_KEYS_RUSSIAN, "".join(skeleton(key) for key in _KEYS_LATIN))
_WORD: Final = re.compile(r"[а-яё]{2,}")

SURE_LETTERS: Final = 4
"""A shorter name (vnc = мтс) is taken for a mistyped one only where the words around it are mistyped too."""
_ENOUGH_WORDS: Final = 2
_ENOUGH_SHARE: Final = 0.6


def in_russian(typed: str) -> str:
    """What the keys of ``typed`` (lower case) give in the Russian layout; other characters stay."""
    return typed.translate(_TO_RUSSIAN)


def in_latin(typed: str) -> str:
    """What the keys of ``typed`` (lower case) give in the Latin layout; other characters stay."""
    return typed.translate(_TO_LATIN)


def latin_skeleton(typed: str) -> str:
    """The skeleton of `in_latin`, in one step."""
    return typed.translate(_LATIN_SKELETON)


def is_russian(converted: str, segmenter: Segmenter) -> bool:
    """Whether most words that `in_russian` made are Russian: the text was typed in the wrong layout."""
    words = _WORD.findall(converted)
    known = sum(segmenter.knows(word) for word in words)
    return known >= _ENOUGH_WORDS and known >= _ENOUGH_SHARE * len(words)
