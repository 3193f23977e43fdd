"""Cleaning of a post's text before the language models, with a way back to the offsets of the original.

Enrichment cleans once per post; spans found in the cleaned text are reported in the post's own characters.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

DROPPED = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters; tab, line ends and U+0085 are white space
    "\xad\u034f\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
)
"""Characters that carry no text, as the inside of a regular expression's class."""

URL = r"(?:https?://|www\.)[!#-;=?-~]*[#-&*+/-9=@-Z_a-z~-]"
"""An address as people paste it: ASCII, no quotes or angle brackets, no punctuation at its end."""

_ENTITY = r"&(?:amp|lt|gt|quot|apos|nbsp|laquo|raquo|mdash|ndash|hellip|\#\d{1,7}|\#x[\da-f]{1,6});"
_BLANK_ENTITY = r"&(?:nbsp|\#0*(?:9|10|13|32|160)|\#xa0);"
_GAP = rf"(?:[\s{DROPPED}\u0300-\u036f]|{URL}|{_BLANK_ENTITY})"
_NOISE = re.compile(
    rf"""(?P<gap>(?!(?<=\S)\ (?!{_GAP}|\Z)){_GAP}+)  # not the one space between two words
    | (?P<entity>{_ENTITY})
    | (?P<accented>\w[\u0300-\u036f]+)
    | (?P<surrogate>[\ud800-\udfff])
    | (?P<invisible>(?<=\w)\u200d)""",
    re.VERBOSE | re.IGNORECASE,
)
_URL = re.compile(URL, re.IGNORECASE)


class Offsets:
    """The way from positions in a rewritten text back to the text that it was made from."""

    __slots__ = ("_new", "_old_end", "_old_start", "_replaced")

    def __init__(self) -> None:
        self._new: list[int] = []
        self._old_start: list[int] = []
        self._old_end: list[int] = []
        self._replaced: list[bool] = []

    def append(self, new: int, old_start: int, old_end: int, *, replaced: bool) -> None:
        """State that the piece from ``new`` on comes from ``old_start:old_end`` (as a copy or replaced)."""
        self._new.append(new)
        self._old_start.append(old_start)
        self._old_end.append(old_end)
        self._replaced.append(replaced)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that ``start:end`` (not empty) of the rewritten text stands for."""
        if not self._new:
            return start, end
        first = bisect_right(self._new, start) - 1
        last = bisect_right(self._new, end - 1) - 1
        begin = self._old_start[first]
        if not self._replaced[first]:
            begin += start - self._new[first]
        if self._replaced[last]:
            return begin, self._old_end[last]
        return begin, self._old_start[last] + end - self._new[last]


IDENTITY = Offsets()
"""The offsets of a text that was not changed."""


class Cleaned(NamedTuple):
    """A cleaned text; ``offsets.original(start, end)`` leads back to the post's own characters."""

    text: str
    offsets: Offsets


def rewrite(
    text: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> tuple[str, Offsets]:
    """``pattern.sub(replacement, text)`` that remembers where every piece came from."""
    pieces: list[str] = []
    offsets = Offsets()
    new = old = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        put = replacement(match)
        if start > old:
            pieces.append(text[old:start])
            offsets.append(new, old, start, replaced=False)
            new += start - old
        if put:
            pieces.append(put)
            offsets.append(new, start, end, replaced=True)
            new += len(put)
        old = end
    if old == 0:
        return text, IDENTITY
    if old < len(text):
        pieces.append(text[old:])
        offsets.append(new, old, len(text), replaced=False)
    return "".join(pieces), offsets


def clean(text: str, url: str = "") -> Cleaned:
    """Make a text fit for the language models.

    Control and invisible characters go (NUL too), HTML entities become characters, accents are composed and
    stress marks dropped, lone surrogates become U+FFFD, addresses become ``url`` (or nothing), white space
    becomes one space, or one line end where it held one. Letters, case, emoji, handles and hashtags stay.
    """
    return Cleaned(*rewrite(text, _NOISE, lambda match: _replacement(match, url)))


def _replacement(match: re.Match[str], url: str) -> str:
    found = match.group()
    match match.lastgroup:
        case "gap":
            return _gap(found, url, starts=match.start() == 0, ends=match.end() == len(match.string))
        case "entity":
            char = html.unescape(found)
            return char if char and char.isprintable() else "\ufffd"
        case "accented":
            return _compose(found)
        case "surrogate":
            return "\ufffd"
    return ""


def _gap(found: str, url: str, *, starts: bool, ends: bool) -> str:
    has_url = _URL.search(found) is not None
    if has_url and url:
        return f"{'' if starts else ' '}{url}{'' if ends else ' '}"
    if starts or ends or not (has_url or "&" in found or any(char.isspace() for char in found)):
        return ""
    return "\n" if "\n" in found else " "


def _compose(accented: str) -> str:
    composed = unicodedata.normalize("NFC", accented)
    if len(composed) == 1:
        return composed
    return "".join(char for char in composed if not unicodedata.combining(char))
