"""The language of a post, by letters, small words and endings; a step of enrichment.

Each word votes for languages by what it shows, `_votes`; the votes of a text add up. What speaks for no
language at all is Russian where it is Cyrillic, since most posts here are; less surely so where its words are
not in a Russian dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from pipeline.core.language_words import MARKS, ROMANISED, WORDS

UNDETERMINED: Final = "und"
MAX_CHARS: Final = 2_000
"""A longer text is judged by its beginning."""

_ADDRESS: Final = ("http://", "https://", "www.")
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)?")

_CYRILLIC: Final = ("ru", "uk", "be", "kk", UNDETERMINED)
_NEAR: Final = slice(1, 3)
"""Of `_CYRILLIC`: those nearest to Russian. The marks of the others also stand in brands and in slang."""

_LATIN: Final = ("en", "ru", UNDETERMINED)
_SPECIAL: Final = frozenset("іїєґўғқұңәөүһјљњђћџѓќѕҷӣӯҳҗ")
_LETTERS: Final = {
    "ru": dict.fromkeys("ыэё", 0.5) | {"ъ": 1.0} | dict.fromkeys(_SPECIAL, -1.5),
    "uk": dict.fromkeys("їєґ", 4.0) | {"і": 1.5} | dict.fromkeys("ыэёъ", -3.0),
    "be": {"ў": 3.5} | dict.fromkeys("ыэёі", 0.7) | dict.fromkeys("ищъ", -3.0) | dict.fromkeys("қҳғ", -4.0),
    "kk": dict.fromkeys("ғқұ", 4.0) | dict.fromkeys("әңөүһ", 1.2) | {"і": 1.0} | dict.fromkeys("щъёўҳ", -4.0),
    UNDETERMINED: dict.fromkeys("ђјљњћџѓќѕҷӣӯҳҗ", 4.0)
    | dict.fromkeys("әңөүһ", 1.5)
    | dict.fromkeys("ўқғ", 1.0),
}
"""What one occurrence of a letter says for a language of Cyrillic script, or against it."""

_LISTED: Final = {language: frozenset(words.split()) for language, words in WORDS.items()}
_ROMANISED: Final = frozenset(ROMANISED.split())
_MARKS: Final = {language: re.compile(marks) for language, marks in MARKS.items()}
_ROMANISED_MARKS: Final = re.compile(
    r"zh|shch|kh|yy|iy$|oy$|ey$|aya$|yaya|yu$|ogo$|ego$|tsya|chto|nye$|ov$|ova$|sya$|[aeio]t$|yet|tsa$|nik|ovat|uy"
)

_WORD_VOTE: Final = 2.0
_MARK_VOTE: Final = 0.8
_LATIN_MARK_VOTE: Final = 0.7
_PRIOR: Final = 1.2
"""Votes that Russian has before the first Cyrillic word; more beside Russian words, see below."""

_PRIOR_OF_RUSSIAN_WORDS: Final = 2.0
_UNKNOWN_VOTE: Final = 0.4
"""What a word that is not Russian takes from the prior, down to `_PRIOR_LEAST`."""

_PRIOR_LEAST: Final = 0.1

_UNKNOWN_LEAST_CHARS: Final = 3

_LATIN_LEAST: Final = 2.0
"""Fewer votes tell nothing: names of brands and models stand in Latin letters everywhere."""


def detect_language(text: str, is_russian: Callable[[str], bool] | None = None) -> str:
    """``ru``, ``uk``, ``be``, ``kk``, ``en``; ``und`` for others and where the text does not tell.

    Russian in Latin letters is Russian. Addresses, handles and hashtags do not count, unless nothing else is
    there.

    Args:
        is_russian: whether a word (lower case) is in a Russian dictionary, if there is one. Asked only where
            no small word tells.
    """
    tokens = [token for token in text[:MAX_CHARS].lower().split() if not token.startswith(_ADDRESS)]
    written = [token for token in tokens if token[0] not in "@#&" and token != "rt"]
    words = _WORD.findall(" ".join(written)) or _WORD.findall(" ".join(tokens))
    cyrillic = [word for word in words if "Ѐ" <= word[0] <= "ԯ"]
    if cyrillic and len(cyrillic) == len(words):
        return _of_cyrillic(cyrillic, is_russian)
    total = sum(map(len, words))
    latin = [word for word in words if word[0] <= "ɏ" or "Ḁ" <= word[0] <= "ỿ"]
    english = any(word in _LISTED["en"] for word in latin)
    if cyrillic and sum(map(len, cyrillic)) * (2 if english else 4) >= total:
        return _of_cyrillic(cyrillic, is_russian)
    if sum(map(len, latin)) * 2 > total:
        return _of_latin(latin)
    return UNDETERMINED


def _of_cyrillic(words: list[str], is_russian: Callable[[str], bool] | None) -> str:
    small = frozenset(words)
    plain = _SPECIAL.isdisjoint("".join(words))
    russian = len(small & _LISTED["ru"]) if plain else 0
    others = max(len(small & _LISTED[other]) for other in _CYRILLIC[1:])
    if russian > others:
        return "ru"  # most posts end here
    if plain and not others and is_russian and all(map(is_russian, small)):
        return "ru"
    sums = [sum(votes) for votes in zip(*map(_cyrillic_votes, words), strict=True)]
    prior = _PRIOR_OF_RUSSIAN_WORDS if russian else _PRIOR
    near = max(sums[_NEAR])
    if is_russian and len(words) > 1 and near == max(sums[1:]) and sums[0] + _PRIOR_LEAST < near:
        foreign = sum(len(word) >= _UNKNOWN_LEAST_CHARS and not is_russian(word) for word in words)
        prior = max(_PRIOR_LEAST, prior - _UNKNOWN_VOTE * foreign)
    sums[0] += prior
    return _CYRILLIC[sums.index(max(sums))]


def _of_latin(words: list[str]) -> str:
    sums = [sum(votes) for votes in zip(*map(_latin_votes, words), strict=True)]
    return _LATIN[sums.index(max(sums))] if max(sums) >= _LATIN_LEAST else UNDETERMINED


@lru_cache(50_000)
def _cyrillic_votes(word: str) -> tuple[float, ...]:
    """What a word says for each of `_CYRILLIC`."""
    letters = set(word)
    return tuple(
        sum(weights[char] for char in letters & weights.keys())
        + _WORD_VOTE * (word in _LISTED[language])
        + _MARK_VOTE * min(2, len(_MARKS[language].findall(word)))
        for language, weights in _LETTERS.items()
    )


@lru_cache(20_000)
def _latin_votes(word: str) -> tuple[float, ...]:
    """What a word says for each of `_LATIN`."""
    word = word.replace("’", "'")
    return (
        _WORD_VOTE * (word in _LISTED["en"]) + _LATIN_MARK_VOTE * (_MARKS["en"].search(word) is not None),
        _WORD_VOTE * (word in _ROMANISED) + _LATIN_MARK_VOTE * (_ROMANISED_MARKS.search(word) is not None),
        _WORD_VOTE * (word in _LISTED[UNDETERMINED])
        + _LATIN_MARK_VOTE * 2 * (_MARKS[UNDETERMINED].search(word) is not None),
    )
