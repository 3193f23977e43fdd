"""A post's text as the words that all signals read: lower case, disguises and elongations undone.

Links, handles and ``RT`` are left out. The first step of the signals in enrichment.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS: Final = 5_000
"""Of a longer text only the beginning is read."""

_NOT_SAID: Final = ("@", "http://", "https://", "www.")
_GLUED = re.compile(r"(?:https?://|www\.)\S*|@[\w.]+|&(?:\w{2,8}|#\d+);")
_WORD = re.compile(r"[^\W\d_]+(?:[03469][^\W\d_]+)*")
_TRIPLE = re.compile(r"(.)\1\1")
_LONG = re.compile(r"([^\W\d_])\1{2,}")
_MIXED = re.compile(r"[а-яієўї][a-z03469]|[a-z][а-яієўї]")
_LOOKALIKES: Final = str.maketrans("abcehkmoptxyu03469", "авсенкмортхуиозчбя")


def read_words(text: str) -> list[str]:
    """The words of a text in order, folded: a hashtag gives its words, numbers give none.

    ``ё`` is ``е``, a letter that stands three times or more stands once, and look-alikes of the other
    alphabet and digits inside a Cyrillic word are letters of it.
    """
    lower = text[:MAX_CHARS].lower().replace("ё", "е")
    if "@" in lower or "://" in lower or "www." in lower or lower.startswith("rt "):
        lower = " ".join([word for word in lower.split() if not word.startswith(_NOT_SAID) and word != "rt"])
    if "@" in lower or "://" in lower or "&" in lower:
        lower = _GLUED.sub(" ", lower)
    if _TRIPLE.search(lower):
        lower = _LONG.sub(r"\1", lower)
    words = _WORD.findall(lower)
    if _MIXED.search(lower):
        return [word.translate(_LOOKALIKES) if _MIXED.search(word) else word for word in words]
    return words
