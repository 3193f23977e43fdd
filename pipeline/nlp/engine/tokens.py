"""razdel's words and sentences, found faster: words by a bounded cache of the pieces between spaces.

razdel looks across a space only where a piece begins or ends with a dash or the like, so all other pieces
are cut alike everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from razdel.rule import JOIN
from razdel.segmenters.punct import DASHES, ENDINGS
from razdel.segmenters.sentenize import RULES, SentSplit, SentSplitter
from razdel.segmenters.tokenize import ATOM, INT, OTHER, PUNCT, PUNCTS, RU, SMILE

K = TypeVar("K")

MAX_PIECES = 50_000
MAX_PIECE_CHARS = 64
"""Longer pieces are not remembered."""

_WORD_JOINTS = DASHES + "_"
_NUMBER_JOINTS = ".,/\\"
_ANY_JOINT = re.escape(_WORD_JOINTS + _NUMBER_JOINTS)
_OPEN_ENDED = re.compile(rf"[{_ANY_JOINT}].|.*[{re.escape(_WORD_JOINTS)}]$|.*\d[{_ANY_JOINT}]$", re.DOTALL)
_PLAIN = re.compile(r"([а-яё]+)([,.!?…:;)]?)", re.IGNORECASE)
"""A Russian word and what may follow it: no rule of razdel's joins the two."""


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
            before = _kind(pieces[at - 1][-1]) if at else PUNCT
            after = _kind(pieces[at + 1][0]) if at + 1 < len(pieces) else PUNCT
            key = (before, piece, after)
            words = self._known_between.get(key)
            if words is None:
                words = _split(before, piece, after)
                _remember(self._known_between, key, words, piece)
            return words
        plain = _PLAIN.fullmatch(piece)
        words = tuple(filter(None, plain.groups())) if plain else _split(PUNCT, piece, PUNCT)
        _remember(self._known, piece, words, piece)
        return words


def _kind(char: str) -> str:
    """What razdel's rules ask about a neighbour: is it a number, another word, or neither."""
    kind = INT if char.isdecimal() else RU
    return str(PUNCT if char in PUNCTS else kind)


def _split(before: str, piece: str, after: str) -> tuple[str, ...]:
    """razdel's words of a piece without spaces; ``before`` and ``after`` are the kinds of its neighbours."""
    atoms = list(ATOM.finditer(piece))
    kinds = [before, *(str(atom.lastgroup) for atom in atoms), after]
    words = [atoms[0][0]]
    for at in range(1, len(atoms)):
        left, right = atoms[at - 1][0], atoms[at][0]
        if _joins_atoms(left, right, kinds[at - 1 : at + 3], words[-1]):
            words[-1] += right
        else:
            words.append(right)
    return tuple(words)


def _joins_atoms(left: str, right: str, kinds: Sequence[str], word: str) -> bool:
    """razdel's rules for atoms that touch; ``kinds`` are what is before, both, and what is after.

    ``word`` is what was joined so far; it ends with ``left``.
    """
    before, left_kind, right_kind, after = kinds
    if left_kind == right_kind == PUNCT:
        both = left + right
        ending = left in ENDINGS and right in ENDINGS
        return ending or both in ("--", "**") or SMILE.match(word + right) is not None
    if left_kind == PUNCT:
        return _joint(left, before, right_kind)
    if right_kind == PUNCT:
        return _joint(right, left_kind, after) or (right == "!" and left.lower() == "yahoo")
    return OTHER in (left_kind, right_kind) and INT not in (left_kind, right_kind)


def _joint(char: str, left: str, right: str) -> bool:
    """Does this character join what stands to its sides: a dash words, a point or a slash numbers."""
    if char in _WORD_JOINTS:
        return PUNCT not in (left, right)
    return char in _NUMBER_JOINTS and left == right == INT


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
