"""razdel's words and sentences, found faster: words by a bounded cache of the pieces between spaces.

razdel looks across a space only where a piece begins or ends with a dash or the like, so all other pieces
are cut alike everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

import razdel
from razdel.rule import JOIN
from razdel.segmenters.sentenize import RULES, SentSplit, SentSplitter
from razdel.segmenters.tokenize import PUNCTS

K = TypeVar("K")

MAX_PIECES = 50_000
MAX_PIECE_CHARS = 64
"""Longer pieces are not remembered."""

_JOINTS = r"\-‑–—−_"
_OPEN_ENDED = re.compile(rf"[{_JOINTS}.,/\\].|.*[{_JOINTS}]$|.*\d[.,/\\]$", re.DOTALL)
_STAND_INS = {"": "", "number": "1", "word": "а"}


class Words:
    """Cuts texts to words; remembers pieces of text, `MAX_PIECES` at most."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}
        self._known_between: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def cut(self, text: str) -> list[str]:
        """The words of a text, as ``razdel.tokenize`` finds them."""
        words: list[str] = []
        pieces = text.split()
        known = self._known
        for at, piece in enumerate(pieces):
            words += known.get(piece) or self._cut_piece(pieces, at)
        return words

    def _cut_piece(self, pieces: Sequence[str], at: int) -> tuple[str, ...]:
        piece = pieces[at]
        if len(piece) > 1 and _OPEN_ENDED.match(piece):
            before = _class(pieces[at - 1][-1]) if at else ""
            after = _class(pieces[at + 1][0]) if at + 1 < len(pieces) else ""
            key = (before, piece, after)
            words = self._known_between.get(key)
            if words is None:
                words = _tokenize(before, piece, after)
                _remember(self._known_between, key, words, piece)
            return words
        words = _tokenize("", piece, "")
        _remember(self._known, piece, words, piece)
        return words


def _class(char: str) -> str:
    """What razdel's rules ask about a neighbour: is it a number, another word, or neither."""
    if char in PUNCTS:
        return ""
    return "number" if char.isdecimal() else "word"


def _tokenize(before: str, piece: str, after: str) -> tuple[str, ...]:
    text = f"{_STAND_INS[before]} {piece} {_STAND_INS[after]}"
    words = [token.text for token in razdel.tokenize(text)]
    return tuple(words[bool(before) : len(words) - bool(after)])


def _remember(known: dict[K, tuple[str, ...]], key: K, words: tuple[str, ...], piece: str) -> None:
    if len(piece) > MAX_PIECE_CHARS:
        return
    if len(known) >= MAX_PIECES:
        known.clear()
    known[key] = words


def places(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Start and stop of each word."""
    found = []
    offset = 0
    for word in words:
        start = text.index(word, offset)
        offset = start + len(word)
        found.append((start, offset))
    return found


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and stop of each sentence, as ``razdel.sentenize`` finds them."""
    found = []
    offset = 0
    for chunk in _chunks(text):
        stripped = chunk.strip()
        start = text.index(stripped, offset)
        offset = start + len(stripped)
        found.append((start, offset))
    return found


_splitter = SentSplitter()


def _chunks(text: str) -> Iterator[str]:
    """The rules ask first whether a space follows: where none does, nothing else need be known."""
    begin = 0
    for match in _splitter.re.finditer(text):
        start, stop = match.span()
        if text[stop : stop + 1].isspace():
            left, right = text[max(0, start - _splitter.window) : start], text[stop : stop + _splitter.window]
            split = SentSplit(left, match[1], right)
            split.buffer = text[begin:start]
            if not _joins(split):
                yield text[begin:stop]
                begin = stop
    yield text[begin:]


def _joins(split: SentSplit) -> bool:
    for rule in RULES:
        action = rule(split)
        if action:
            return bool(action == JOIN)
    return False
