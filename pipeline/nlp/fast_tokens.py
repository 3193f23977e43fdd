"""Batches of texts as numbered words, and the units of each that the fast sentiment tier adds up.

Training and inference share this module. All that is done per text is done for the whole batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.fast_pieces import (
    CLOSING,
    CONTRAST,
    EMPTY,
    END,
    NEGATION,
    OBJECT,
    OPENING,
    PIECE,
    STOP,
    THE_END,
    THE_OBJECT,
    TRANSPARENT,
    WORD,
)
from pipeline.nlp.fast_words import Hashes, Ints, Words, buckets, joined, salted
from pipeline.nlp.tiers import Question, Spans

MAX_CHARS = 5_000
"""Of a longer text only so many characters are read (around the object where one is asked for)."""

_NEAR = 7
"""So many words to either side of an object speak of it, where its clause does not end before."""

_SCOPE = 4
"""A negation is felt by so many words after it, within its clause."""

_BETWEEN = f" {END} "
"""Joins the texts of a batch; white space ends an address."""

_LOW = 0xFFFFFFFF

Bools = NDArray[np.bool_]
Found = tuple[Ints, Hashes]
"""Texts (their index), and what was found in them."""


class Tokens(NamedTuple):
    """The words of a batch, one after the other: their numbers, and the text (its index) of each."""

    words: Ints
    texts: Ints


class Units(NamedTuple):
    """Distinct features of texts, ordered by text; ``values`` are numbers of words, or buckets."""

    texts: Ints
    values: Ints


def marked(question: Question) -> str:
    """The text with `OBJECT` in the place of the object, at most `MAX_CHARS` long."""
    text, spans = question.text, question.spans
    if len(text) > MAX_CHARS:
        text, spans = excerpt(text, spans)
    if END in text or OBJECT in text:
        text = text.replace(END, " ").replace(OBJECT, " ")
    if not spans:
        return text
    pieces, last = [], 0
    for start, end in sorted(spans):
        if last <= start < end and text[start:end].strip():
            pieces += [text[last:start], OBJECT]
            last = end
    pieces.append(text[last:])
    return "".join(pieces)


def excerpt(text: str, spans: Spans) -> tuple[str, list[tuple[int, int]]]:
    """Bound a text to `MAX_CHARS` around its first span; the spans move with it."""
    first = min((start for start, _ in spans), default=0)
    start = max(0, first - MAX_CHARS // 2)
    stop = start + MAX_CHARS
    inside = [(a - start, b - start) for a, b in spans if a >= start and b <= stop]
    return text[start:stop], inside


def cut(words: Words, texts: Sequence[str]) -> Ints:
    """The numbers of the pieces of texts (`marked`), each text ended; new ones wait for `Words.learn`."""
    pieces = PIECE.findall(_BETWEEN.join([*texts, ""]))
    known, number = words.known, words.number
    return np.array([known[piece] if piece in known else number(piece) for piece in pieces], np.int64)


def place(words: Words, numbers: Ints, count: int) -> Tokens:
    """Tell which text each piece of `cut` is of, and leave out what says nothing.

    That are the ends, and a bracket that has its other half: a lonely one is a smile or a frown.
    """
    kinds = words.kinds[numbers]
    ends = (kinds & THE_END) != 0
    texts = np.cumsum(ends)
    opening, closing = (kinds & OPENING) != 0, (kinds & CLOSING) != 0
    balance = np.bincount(texts, closing.astype(float) - opening, minlength=count + 1)[texts]
    silent = ends | ((kinds & EMPTY) != 0) | (opening & (balance >= 0)) | (closing & (balance <= 0))
    said = np.flatnonzero(~silent)
    return Tokens(numbers[said], texts[said])


def of_text(words: Words, tokens: Tokens) -> tuple[Units, Units]:
    """The words and the pairs (as buckets) of whole texts; all words must be learned.

    A pair is of neighbours (as they are, and by their stems), of stems with one word between them, or of a
    negation and a stem that feels it.
    """
    numbers, texts = tokens
    kinds = words.kinds[numbers]
    stems, felt = _stems(words, tokens)
    pairs = [
        _pairs(words.whole[numbers], texts, 1, 3),
        _pairs(stems, texts, 1, 4),
        _pairs(stems, texts, 2, 5),
    ]
    scope = np.flatnonzero(felt & ((kinds & WORD) != 0))
    pairs.append((texts[scope], salted(stems[scope], 6)))
    return _distinct(texts, numbers), _distinct(*_as_buckets(pairs))


def near_object(words: Words, tokens: Tokens) -> tuple[Units, Units]:
    """The words and the pairs near the object: not beyond the end of its clause."""
    numbers, texts = tokens
    kinds = words.kinds[numbers]
    stems, _ = _stems(words, tokens)
    near = _near(kinds, texts)
    close = np.flatnonzero(near)
    pairs = [_pairs(words.whole[numbers], texts, 1, 3, near), _pairs(stems, texts, 1, 4, near)]
    pairs += _sides((kinds & THE_OBJECT) != 0, texts, stems)
    return _distinct(texts[close], numbers[close]), _distinct(*_as_buckets(pairs))


def _as_buckets(found: Sequence[Found]) -> tuple[Ints, Ints]:
    return np.concatenate([texts for texts, _ in found]), buckets(np.concatenate([h for _, h in found]))


def _distinct(texts: Ints, values: Ints) -> Units:
    """Repetition adds nothing, so that a word said a hundred times weighs like one said once."""
    joint = (texts << 32) | values
    joint.sort()
    kept = np.ones(len(joint), bool)
    np.not_equal(joint[1:], joint[:-1], out=kept[1:])
    joint = joint[kept]
    return Units(joint >> 32, joint & _LOW)


def _pairs(hashes: Hashes, texts: Ints, distance: int, salt: int, chosen: Bools | None = None) -> Found:
    same = texts[:-distance] == texts[distance:]
    if chosen is not None:
        same &= chosen[:-distance] & chosen[distance:]
    at = np.flatnonzero(same)
    return texts[at], salted(joined(hashes[at], hashes[at + distance]), salt)


def _later(values: Bools, texts: Ints, distance: int = 1) -> Bools:
    """Was it so ``distance`` words before, in the same text?"""
    result = np.zeros_like(values)
    result[distance:] = values[:-distance] & (texts[:-distance] == texts[distance:])
    return result


def _earlier(values: Bools, texts: Ints, distance: int = 1) -> Bools:
    """Will it be so ``distance`` words after, in the same text?"""
    result = np.zeros_like(values)
    result[:-distance] = values[distance:] & (texts[:-distance] == texts[distance:])
    return result


def _stems(words: Words, tokens: Tokens) -> tuple[Hashes, Bools]:
    """The stem of each word, another one where a negation turns it over, and which words feel a negation."""
    numbers, texts = tokens
    kinds = words.kinds[numbers]
    negation, transparent = (kinds & NEGATION) != 0, (kinds & TRANSPARENT) != 0
    reached = _later(negation, texts)
    for _ in range(2):
        reached |= _later(reached & transparent, texts)
    negated = reached & ((kinds & WORD) != 0) & ~negation & ~transparent
    stems = salted(words.stem[numbers], 1)
    stems[negated] = salted(stems[negated], 2)
    inside = (kinds & (STOP | CONTRAST)) == 0
    felt, reach = np.zeros_like(negation), negation
    for _ in range(_SCOPE):
        reach = _later(reach, texts) & inside
        felt |= reach
    return stems, felt & ~negation


def _near(kinds: Ints, texts: Ints) -> Bools:
    after = before = (kinds & THE_OBJECT) != 0
    going, open_ = (kinds & CONTRAST) == 0, (kinds & STOP) == 0
    near: Bools = np.zeros_like(after)
    for _ in range(_NEAR):
        after = _later(after & open_, texts) & going
        before = _earlier(before, texts) & going & open_
        near |= after | before
    return near


def _sides(is_object: Bools, texts: Ints, stems: Hashes) -> list[Found]:
    """Stems before and after the object, told apart by their distance (1, 2, more) up to 4."""
    found = []
    for distance in (1, 2, 3, 4):
        after = np.flatnonzero(_later(is_object, texts, distance))
        before = np.flatnonzero(_earlier(is_object, texts, distance))
        far = min(distance, 3)
        found += [
            (texts[after], salted(stems[after], 10 + far)),
            (texts[before], salted(stems[before], 20 + far)),
        ]
    return found
