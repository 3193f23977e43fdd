"""From a text and an object in it to the pieces that the strong tier reads; training and inference share it.

Links become one word and strangers' handles another; the pieces that stand for the object are marked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tokenizers import Tokenizer

from pipeline.nlp.tiers import Question, Spans

MAX_PIECES = 96
MAX_CHARS = 420
"""Of a longer text the part around the object (or the beginning) is read."""

_BEGIN, _END = 0, 2
_LEFT = 140
_SEPARATOR = " | "
_COSTLY = re.compile(r"(?:https?://|www\.)\S+|@\w+")
_BROKEN = re.compile("[\ud800-\udfff]")
"""Halves of a character, which no encoder takes."""

_LINK, _HANDLE = "http", "@user"


class Pieces(NamedTuple):
    """``ids`` of the pieces, from begin to end, and whether each belongs to the object (0 or 1)."""

    ids: list[int]
    marks: list[int]


class Encoder:
    """Cuts texts into pieces with the tokenizer of the model; a batch at a time."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, questions: Sequence[Question]) -> list[Pieces]:
        """The pieces of each text; an object without spans is named in front of the text."""
        prepared = [_prepare(question) for question in questions]
        encodings = self._tokenizer.encode_batch([text for text, _ in prepared], add_special_tokens=False)
        return [
            _pieces(encoding.ids, encoding.offsets if spans else (), spans)
            for encoding, (_, spans) in zip(encodings, prepared, strict=True)
        ]


def _prepare(question: Question) -> tuple[str, list[tuple[int, int]]]:
    """The text that is read, and the object's places in it."""
    text, spans, name = question
    if not spans and name:
        text, spans = name + _SEPARATOR + text, ((0, len(name)),)
    text, places = _excerpt(_BROKEN.sub("\ufffd", text), spans)
    if "@" not in text and "http" not in text and "www." not in text:
        return text, places
    out: list[str] = []
    shifted = list(places)
    last = length = 0
    for match in _COSTLY.finditer(text):
        start, end = match.span()
        if any(start < right and left < end for left, right in places):
            continue
        substitute = _HANDLE if text[start] == "@" else _LINK
        out += (text[last:start], substitute)
        change = len(substitute) - (end - start)
        shifted = [
            (new[0] + change, new[1] + change) if old[0] >= end else new
            for old, new in zip(places, shifted, strict=True)
        ]
        last, length = end, length + change
    out.append(text[last:])
    return "".join(out), shifted


def _excerpt(text: str, spans: Spans) -> tuple[str, list[tuple[int, int]]]:
    if len(text) <= MAX_CHARS:
        return text, list(spans)
    first = min((start for start, _ in spans), default=0)
    begin = max(0, min(first - _LEFT, len(text) - MAX_CHARS))
    end = begin + MAX_CHARS
    kept = [(start - begin, min(stop, end) - begin) for start, stop in spans if begin <= start < end]
    return text[begin:end], kept


def _pieces(ids: list[int], offsets: Sequence[tuple[int, int]], spans: Spans) -> Pieces:
    marks = [0] * len(ids)
    for left, right in spans:
        for index, (start, end) in enumerate(offsets):
            if start < right and left < end:
                marks[index] = 1
    ids, marks = _window(ids, marks)
    return Pieces([_BEGIN, *ids, _END], [0, *marks, 0])


def _window(ids: list[int], marks: list[int]) -> tuple[list[int], list[int]]:
    room = MAX_PIECES - 2
    if len(ids) <= room:
        return ids, marks
    first = marks.index(1) if 1 in marks else 0
    begin = max(0, min(first - room // 3, len(ids) - room))
    return ids[begin : begin + room], marks[begin : begin + room]
