"""Where in a post a candidate stands (in a word, hashtag, handle, address) and whether it counts there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from pipeline.core.fold import is_disguise, offsets, plain
from pipeline.core.lexicon import Entry, Key
from pipeline.core.tags import is_glued, is_official, is_other_name, is_seam
from pipeline.core.text import IDENTITY, URL
from pipeline.core.vocabulary import Segmenter

_ADDRESS = re.compile(rf"{URL}|(?<![\w.@-])(?:[\w-]{{1,63}}\.){{1,5}}[a-z]{{2,6}}/[!#-;=?-~]*", re.IGNORECASE)
_HANDLE = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")
_TOP_DOMAIN = re.compile(r"\.[a-z]{2,6}\b", re.IGNORECASE)
_LINKS = frozenset(".-/")
MAX_HANDLE = 64
MAX_TAG = 140
LONG_PART = 5
"""How long an alias must be to be recognised in a part of a handle: short ones are met there by chance."""


class Candidate(NamedTuple):
    """An entry at a place of the text that its surroundings allow; context words are not judged yet."""

    start: int
    end: int
    entry: Entry
    rule: str


def is_word(folded: str, start: int, end: int) -> bool:
    """Whether ``start:end`` begins and ends with the beginning and end of a word."""
    return starts_word(folded, start) and (
        end == len(folded) or not folded[end].isalnum() or not folded[end - 1].isalnum()
    )


def starts_word(folded: str, start: int) -> bool:
    """Whether no letter or digit joins the one at ``start`` from the left."""
    return start == 0 or not folded[start - 1].isalnum() or not folded[start].isalnum()


class Surroundings:
    """One text and its skeleton; ``segmenter`` knows the ordinary words."""

    def __init__(self, text: str, folded: str, segmenter: Segmenter) -> None:
        self._text = text
        self._folded = folded
        self._segmenter = segmenter
        self._offsets = IDENTITY if len(text) == len(folded) else offsets(text)
        self._has_addresses = "/" in text or "www." in text
        self._has_handles = "@" in text
        self._has_tags = "#" in text

    def candidates(self, start: int, end: int, key: Key) -> Iterator[Candidate]:
        """What the automaton's hit ``start:end`` of the skeleton can mean at its place."""
        begin, stop = self._offsets.original(start, end)
        in_address = self._has_addresses and self._is_in_address(begin, stop)
        rule = "" if in_address else self._place(start, end, begin, stop)
        if not rule and not key.has_accounts:
            return
        for entry, how in self._entries(key, self._text[begin:stop]):
            if entry.rule == "account":
                if is_word(self._folded, start, end):
                    yield Candidate(begin, stop, entry, "account")
            elif entry.rule == "handle":
                if not in_address and self._is_handle(begin, stop):
                    yield Candidate(begin + 1, stop, entry, "handle")
            elif rule and not (how == "translit" and _TOP_DOMAIN.match(self._text, stop)):
                yield Candidate(begin, stop, entry, how if rule == "word" else rule)

    def is_open(self, begin: int, stop: int) -> bool:
        """Whether ``begin:stop`` of the text is neither in an address nor in a handle."""
        if self._has_handles and self._text[max(0, begin - 1) : begin] == "@":
            return False
        return not (self._has_addresses and self._is_in_address(begin, stop))

    def _entries(self, key: Key, written: str) -> Iterator[tuple[Entry, str]]:
        """The key's entries that ``written`` can be a spelling of, and how."""
        spelled = key.of(written.lower()) or key.of(plain(written))
        if spelled:
            for entry in spelled:
                if not entry.exact or entry.exact == " ".join(written.split()):
                    yield entry, entry.rule
            return
        seen = set()
        for form, entries in key.entries:
            if is_disguise(written, form):
                for entry in entries:
                    if not entry.exact and entry.object_id not in seen:
                        seen.add(entry.object_id)
                        yield entry, "homoglyph"

    @cached_property
    def _addresses(self) -> list[tuple[int, int]]:
        return [match.span() for match in _ADDRESS.finditer(self._text)]

    def _is_in_address(self, begin: int, stop: int) -> bool:
        before, after = self._text[max(0, begin - 1) : begin], self._text[stop : stop + 1]
        if after not in _LINKS and (not before.isascii() or before.isspace()):
            return False  # nothing joins it to an address: no need to look for one
        return any(first <= begin < last for first, last in self._addresses)

    def _place(self, start: int, end: int, begin: int, stop: int) -> str:
        """``word``, ``hashtag`` or ``handle`` where an alias may stand so; empty where it may not."""
        if self._has_handles:
            at = self._text.rfind("@", max(0, begin - MAX_HANDLE), begin)
            if at >= 0 and (handle := _HANDLE.match(self._text, at + 1)) and begin < handle.end():
                return "handle" if self._names_handle(at, begin, stop, handle.end()) else ""
        if self._has_tags:
            mark = self._text.rfind("#", max(0, begin - MAX_TAG), begin)
            if mark >= 0 and all(char.isalnum() or char == "_" for char in self._text[mark + 1 : begin]):
                return "hashtag" if self._is_part_of_tag(mark, begin, stop) else ""
        if is_word(self._folded, start, end):
            return "word"
        glued = starts_word(self._folded, start) and self._text.startswith(("http://", "https://"), stop)
        return "word" if glued else ""

    def _names_handle(self, at: int, begin: int, stop: int, handle_end: int) -> bool:
        """Whether an alias is the handle, or a long first or last part of it (@_Beeline_kz)."""
        text = self._text
        if self._is_email(at) or stop > handle_end:
            return False
        first = not text[at + 1 : begin].strip("_")
        last = not text[stop:handle_end].strip("_")
        if first and last:
            return True
        is_part = (first or is_seam(text[begin - 1], text[begin : begin + 2])) and (
            last or is_seam(text[stop - 1], text[stop : stop + 2])
        )
        if is_part and (first or last) and stop - begin >= LONG_PART:
            return True
        return first and is_official(text[begin:stop], text[stop:handle_end])

    def _is_handle(self, at: int, stop: int) -> bool:
        """Whether the @ at ``at`` begins a handle that ends at ``stop``."""
        handle = _HANDLE.match(self._text, at + 1)
        return handle is not None and handle.end() == stop and not self._is_email(at)

    def _is_email(self, at: int) -> bool:
        domain = _HANDLE.match(self._text, at + 1)
        before = self._text[max(0, at - 1) : at]
        return before.isalnum() and before.isascii() and domain is not None and "." in domain.group()

    def _is_part_of_tag(self, mark: int, begin: int, stop: int) -> bool:
        text = self._text
        if is_other_name(text, begin, stop, self._segmenter):
            return False
        after = text[stop : stop + 2]
        starts = begin == mark + 1 or is_seam(text[begin - 1], text[begin : begin + 2])
        if starts and (not after or is_seam(text[stop - 1], after)):
            return True
        return is_glued(text, mark + 1, begin, stop, self._segmenter)
