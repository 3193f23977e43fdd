"""Bytes of a file -> numbered lines, block by block, with the position after each: what a replay reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_LINE_BYTES = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line without its end. ``end`` is the position (in decoded bytes) of the next line."""

    number: int
    """From 1, as editors count."""
    end: int
    content: bytes
    cut: bool = False
    """True where the line is longer than `MAX_LINE_BYTES` and only its beginning is here."""


class Position(NamedTuple):
    """Where to read on: ``line`` lines and ``byte`` decoded bytes are behind."""

    line: int = 0
    byte: int = 0


BEGINNING = Position()


def line_blocks(chunks: Iterable[bytes], start: Position = BEGINNING) -> Iterator[list[Line]]:
    r"""Split chunks into lines, one block of them per chunk; ``\r\n`` ends a line too.

    Args:
        chunks: the stream from its beginning (a compressed one cannot be entered in the middle).
        start: skip this much of it.
    """
    number, position, skip = start.line, start.byte, start.byte
    rest, dropped = bytearray(), 0
    for chunk in chunks:
        if skip:
            skipped = min(skip, len(chunk))
            skip -= skipped
            chunk = chunk[skipped:]
        block = []
        first, *others = chunk.split(b"\n")
        for piece in others:
            content = bytes(rest) + first if rest else first
            position += len(content) + dropped + 1
            number += 1
            block.append(_line(number, position, content, dropped))
            rest.clear()
            first, dropped = piece, 0
        room = MAX_LINE_BYTES - len(rest)
        rest += first[:room]
        dropped += max(0, len(first) - room)
        if block:
            yield block
    if rest:
        yield [_line(number + 1, position + len(rest) + dropped, bytes(rest), dropped)]


def _line(number: int, end: int, content: bytes, dropped: int) -> Line:
    if number == 1:
        content = content.removeprefix(BOM)
    return Line(number, end, content.removesuffix(b"\r"), dropped > 0)
