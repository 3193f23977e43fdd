"""A piece of HTML, as sources send it -> its visible text. Pure, and of bounded cost whatever is sent.

Parsers of HTML5 take time that grows with the square of the open elements and of a tag's attributes (for a
megabyte of ``<div>`` minutes), so a very long or dense piece is read in slices, each by itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final

from selectolax.lexbor import LexborHTMLParser

BLOCKS: Final = "p, br, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, pre, hr"
UNSEEN: Final = ["script", "style", "template", "noscript", "iframe", "svg", "object", "head", "title"]
HIDDEN: Final = "[hidden], [style*='display:none' i], [style*='display: none' i]"
TAG: Final = re.compile(r"<[A-Za-z]")
BLOCK: Final = re.compile(r"<(?:p|br|div|li|tr|h[1-6]|blockquote|pre|hr)\b", re.IGNORECASE)
LONG_TAG: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*)[\s/][^<>]{2000,}>")
"""Pictures within the page (``data:``), and attacks; nothing of it is text."""
USUAL_LENGTH: Final = 64 * 1024
USUAL_TAGS: Final = 1000
"""Up to as many characters and tags a piece is read as a whole."""
SLICE_LENGTH: Final = 16 * 1024
SLICE_TAGS: Final = 250
MOST_TAGS: Final = 100_000
"""What comes after them is left out: no post looks like that."""
BLANKS: Final = re.compile(r"[^\S\n]+")
LINES: Final = re.compile(r" ?\n\s*")
INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters; soft hyphens, which hide a word from the matcher; marks that turn the direction of
text, with which a post could look in an alert like what it is not."""


def plain_text(html: str) -> str:
    """The visible text of a piece of HTML, one line per block, without blank lines."""
    if "<" not in html and "&" not in html:
        return _tidy(html)
    return _tidy("".join(_text(piece) for piece in slices(html)))


def slices(html: str) -> Iterator[str]:
    """Pieces of which each is cheap to parse, cut before tags where there are any."""
    html = LONG_TAG.sub(r"<\1>", html)
    starts = [tag.start() for tag in islice(TAG.finditer(html), MOST_TAGS + 1)]
    if len(starts) <= USUAL_TAGS and len(html) <= USUAL_LENGTH:
        yield html
        return
    end = starts[MOST_TAGS] if len(starts) > MOST_TAGS else len(html)
    begin = 0
    while begin < end:
        until = _cut(html, starts, begin, end)
        yield html[begin:until]
        begin = until


def _cut(html: str, starts: list[int], begin: int, end: int) -> int:
    """Where the slice from ``begin`` ends: before a block, else a tag, else behind a space, else anywhere."""
    first = bisect_right(starts, begin)
    if begin + SLICE_LENGTH >= end and len(starts) - first <= SLICE_TAGS:
        return end
    last = min(bisect_right(starts, begin + SLICE_LENGTH), first + SLICE_TAGS) - 1
    if last >= first:
        fitting = reversed(starts[first : last + 1])
        return min(next((start for start in fitting if BLOCK.match(html, start)), starts[last]), end)
    space = html.rfind(" ", begin, begin + SLICE_LENGTH)
    return space + 1 if space > begin else min(begin + SLICE_LENGTH, end)


def _text(html: str) -> str:
    tree = LexborHTMLParser(html)
    tree.strip_tags(UNSEEN)
    while (node := tree.css_first(HIDDEN)) is not None:  # one within another goes with it
        node.decompose()
    for node in tree.css(BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    return tree.body.text() if tree.body is not None else ""


def _tidy(text: str) -> str:
    return LINES.sub("\n", BLANKS.sub(" ", INVISIBLE.sub("", text))).strip()
