"""What a piece of text between blanks can hide: a misspelt, mistyped, masked, split name, its adjective."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import ahocorasick

from pipeline.core import disguises
from pipeline.core.fold import plain, skeleton
from pipeline.core.layout import SURE_LETTERS, in_latin, in_russian, latin_skeleton
from pipeline.core.lexicon import Entry, Key
from pipeline.core.misspelling import MIN_LETTERS
from pipeline.core.slips import Slips
from pipeline.core.vocabulary import Segmenter

MAX_PIECE: Final = 200
_SHORTEST: Final = 3
_WORD: Final = re.compile(r"(?<!\w)[^\W_]{3,40}+(?!\w)")
_RUSSIAN: Final = re.compile(r"[а-яё]+\d*")
_LATIN: Final = re.compile(r"[a-z]")
_ADJECTIVE: Final = re.compile(
    r"(.{2,})(?:овск|шн)(?:ий|ый|ого|ому|им|ым|ом|ая|ой|ую|ое|ие|ые|их|ых|ими|ыми|и)|(.{2,})(?:овец|овц(?:а|у|ом|е|ы|ев|ам|ами|ах))"
)
_IN_ADJECTIVES: Final = ("овск", "шн", "овец", "овц")
_NO_INITIAL: Final = ("ь", "ъ", "ы")
"""No Russian word begins so: even three letters are not one."""


class Finding(NamedTuple):
    """A name at ``start:end`` of a piece; without an entry: it is Russian typed in the Latin layout."""

    start: int
    end: int
    entry: Entry | None
    rule: str


class Pieces:
    """Judges pieces one at a time; pure: the verdict depends on the piece and the watchlist only."""

    def __init__(self, automaton: Any, keys: dict[str, Key], segmenter: Segmenter) -> None:
        self._automaton = automaton
        self._segmenter = segmenter
        self._slips = Slips(keys)

    @property
    def size(self) -> int:
        """How many keys the index of misspellings has."""
        return self._slips.size

    def judge(self, piece: str) -> tuple[Finding, ...]:
        """The names that ``piece`` hides; those that it spells out are not among them."""
        low = piece.lower()
        if not _SHORTEST <= len(piece) <= MAX_PIECE or len(low) != len(piece):
            return ()
        found = [
            finding for word in _WORD.finditer(low) if (finding := self._word(word.group(), word.start()))
        ]
        if low.isascii() and self._is_mistyped(low):
            found.append(Finding(0, len(piece), None, "layout"))
        if disguises.seems_disguised(piece):
            found += self._disguised(piece)
        return tuple(found)

    def _word(self, word: str, at: int) -> Finding | None:
        for rule, look in (
            ("misspelled", self._misspelt),
            ("derived", self._derived),
            ("layout", self._latin),
        ):
            if entry := look(word):
                return Finding(at, at + len(word), entry, rule)
        return None

    def _misspelt(self, word: str) -> Entry | None:
        if len(word) < MIN_LETTERS - 1:
            return None
        folded = skeleton(word)
        if not folded.isalpha() or len(folded) != len(word):
            return None
        entry = self._slips.meant(folded)
        if entry is None or folded in self._automaton or self._segmenter.knows(word):
            return None
        return entry

    def _derived(self, word: str) -> Entry | None:
        if not any(part in word for part in _IN_ADJECTIVES):
            return None
        made = _ADJECTIVE.fullmatch(word)
        if made is None:
            return None
        stem = made[1] or made[2]
        for name in (stem, stem + "а", stem + "ь"):
            for spelling, entry in self._names(skeleton(name)):
                if spelling == plain(name) and entry.rule == "alias" and not self._segmenter.knows(word):
                    return entry
        return None

    def _latin(self, word: str) -> Entry | None:
        """The Latin name that was typed in the Russian layout."""
        key: Key | None = self._automaton.get(latin_skeleton(word), None)
        if key is None or not _RUSSIAN.fullmatch(word):
            return None
        if sum(map(str.isalpha, word)) < SURE_LETTERS and word[0] not in _NO_INITIAL:
            return None
        typed = plain(in_latin(word))
        for spelling, entry in key.names():
            if spelling == typed and not self._segmenter.knows(word):
                return entry
        return None

    def _is_mistyped(self, low: str) -> bool:
        """Whether an ASCII piece is a Russian word or name when read in the other layout."""
        if not _LATIN.search(low):
            return False
        for word in _WORD.findall(in_russian(low)):
            if len(word) >= SURE_LETTERS and self._segmenter.knows(word):
                return True
            for spelling, _ in self._names(skeleton(word)):
                if not spelling.isascii():
                    return True
        return False

    def _disguised(self, piece: str) -> Iterator[Finding]:
        for begin, stop, pattern, rule in disguises.in_piece(piece):
            entries = self._meant(pattern)
            if len({entry.object_id for entry in entries}) == 1:
                yield Finding(begin, stop, entries[0], rule)
            elif rule == "separated" and (entry := self._slips.meant(pattern)) and not entry.alias.isalnum():
                yield Finding(begin, stop, entry, "misspelled")  # алфа-банк

    def _meant(self, pattern: str) -> list[Entry]:
        """What a skeleton with unknown letters can stand for."""
        if disguises.WILD not in pattern:
            return [entry for _, entry in self._names(pattern)]
        spellings = self._automaton.keys(pattern, disguises.WILD, ahocorasick.MATCH_EXACT_LENGTH)
        return [entry for spelling in spellings for _, entry in self._names(spelling)]

    def _names(self, folded: str) -> Iterator[tuple[str, Entry]]:
        key = self._automaton.get(folded, None)
        return iter(()) if key is None else key.names()
