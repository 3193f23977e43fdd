"""Names that the matcher's automaton cannot see: misspelt, mistyped, masked, apart, cut off, in adjectives.

What one piece of text between blanks can hide depends on the piece alone, so verdicts are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipeline.core import disguises
from pipeline.core.fold import offsets, skeleton
from pipeline.core.layout import SURE_LETTERS, in_russian, is_russian
from pipeline.core.lexicon import Entry, Key
from pipeline.core.pieces import Finding, Pieces
from pipeline.core.text import IDENTITY
from pipeline.core.truncation import cut_off
from pipeline.core.vocabulary import Segmenter, Vocabulary

MAX_REMEMBERED: Final = 65_536
_PIECE: Final = re.compile(r"\S+")
_PUNCTUATION: Final = '.,!?:;()«»"…'
"""At the ends of a Russian word it hides nothing."""


class Hidden(NamedTuple):
    """A name at a place: ``begin:stop`` in the text, ``start:end`` in its skeleton."""

    begin: int
    stop: int
    start: int
    end: int
    entry: Entry
    rule: str


class HiddenNames:
    """Looks for the names of an automaton over `Key` values by other ways than spelling them."""

    def __init__(
        self, automaton: Any, keys: dict[str, Key], vocabulary: Vocabulary | None, segmenter: Segmenter
    ) -> None:
        self._automaton = automaton
        self._vocabulary = vocabulary
        self._segmenter = segmenter
        self._pieces = Pieces(automaton, keys if vocabulary else {}, segmenter)
        self._innocent: set[str] = set()
        self._guilty: dict[str, tuple[Finding, ...]] = {}

    @property
    def size(self) -> int:
        """How many keys the index of misspellings has."""
        return self._pieces.size

    def find(self, text: str, folded: str) -> list[Hidden]:
        """All that may be hidden names; context words and addresses are not judged yet."""
        found: list[Hidden] = []
        suspects = {*text.split()}.difference(self._innocent)
        if suspects and (guilty := self._judge(suspects)):
            found += self._in_pieces(text, folded, guilty)
        if disguises.seems_apart(folded):
            found += self._apart(text, folded)
        if "…" in text or "..." in text:
            found += self._truncated(text, folded)
        return found

    def _judge(self, suspects: set[str]) -> dict[str, tuple[Finding, ...]]:
        guilty = {}
        for piece in suspects:
            if piece[0] == "@" or "//" in piece:
                continue  # a handle, an address: each is met once, and names in them are spelled out
            findings = self._guilty.get(piece)
            if findings is None:
                findings = self._verdict(piece)
            if findings:
                guilty[piece] = findings
        return guilty

    def _verdict(self, piece: str) -> tuple[Finding, ...]:
        bare = piece if piece.isascii() else piece.strip(_PUNCTUATION).lower()
        findings = () if bare in self._innocent else self._pieces.judge(piece)
        if findings:
            _make_room(self._guilty)
            self._guilty[piece] = findings
        else:
            _make_room(self._innocent)
            self._innocent |= {piece, bare}
        return findings

    def _in_pieces(self, text: str, folded: str, guilty: dict[str, tuple[Finding, ...]]) -> Iterator[Hidden]:
        is_mistyped = False
        for piece in _PIECE.finditer(text):
            for start, end, entry, rule in guilty.get(piece.group(), ()):
                if entry is None:
                    is_mistyped = True
                else:
                    begin, stop = piece.start() + start, piece.start() + end
                    yield _hidden(text, folded, begin, stop, entry, rule)
        if is_mistyped:
            yield from self._mistyped(text, folded)

    def _mistyped(self, text: str, here: str) -> Iterator[Hidden]:
        """Russian names in a text that is, or partly is, typed in the Latin layout."""
        typed = text.lower()
        if len(typed) != len(text):
            return
        converted = in_russian(typed)
        wholly = is_russian(converted, self._segmenter)
        folded, back = skeleton(converted), offsets(converted)
        for last, key in self._automaton.iter(folded):
            begin, stop = back.original(last + 1 - key.size, last + 1)
            before, after = typed[max(0, begin - 1) : begin], typed[stop : stop + 1]
            if before.isalnum() or after.isalnum() or not typed[begin:stop].isascii():
                continue
            if wholly or sum(map(str.isalpha, converted[begin:stop])) >= SURE_LETTERS:
                for spelling, entry in key.names():
                    if not spelling.isascii():
                        yield _hidden(text, here, begin, stop, entry, "layout")

    def _apart(self, text: str, folded: str) -> Iterator[Hidden]:
        way = IDENTITY if len(text) == len(folded) else offsets(text)
        for at, step, letters in disguises.apart(folded):
            for last, key in self._automaton.iter(letters):
                first = last + 1 - key.size
                if disguises.may_stand(letters, first, last + 1):
                    start, end = at + first * step, at + last * step + 1
                    for _, entry in key.names():
                        yield Hidden(*way.original(start, end), start, end, entry, "separated")

    def _truncated(self, text: str, folded: str) -> Iterator[Hidden]:
        if self._vocabulary is None:
            return
        cut = cut_off(text, self._completions, self._vocabulary)
        if cut is not None:
            yield _hidden(text, folded, cut.start, cut.end, cut.entry, "truncated")

    def _completions(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        for spelling in self._automaton.keys(skeleton(prefix)):
            for name, entry in self._automaton.get(spelling).names():
                if name.startswith(prefix):
                    yield name, entry


def _hidden(text: str, folded: str, begin: int, stop: int, entry: Entry, rule: str) -> Hidden:
    start = begin if len(text) == len(folded) else len(skeleton(text[:begin]))
    return Hidden(begin, stop, start, start + stop - begin, entry, rule)


def _make_room(memory: set[str] | dict[str, tuple[Finding, ...]]) -> None:
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
