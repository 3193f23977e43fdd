"""The words that the fast sentiment tier has met, learned in batches: normal forms, hashes, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.fast_pieces import WORD, Normal, normal

BITS = 20
"""Features are hashed to ``2 ** BITS`` buckets; no vocabulary of the training texts is stored anywhere."""

STEM = 5
"""So many first letters stand for a word in pairs, so that its inflections share them."""

_LONGEST_RUN = 5
_STEM_SALT = 77
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)
_TOP = np.uint64(64 - BITS)

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


def mix(hashes: Hashes) -> Hashes:
    """Spread 64-bit values: two rounds of xor-shift and multiplication, after Moremur (Evensen 2019)."""
    mixed = (hashes ^ (hashes >> _SHIFT)) * _MIX
    result: Hashes = (mixed ^ (mixed >> _SHIFT)) * _MIX
    return result


def buckets(hashes: Hashes) -> Ints:
    """The bucket of each hash."""
    return (mix(hashes) >> _TOP).astype(np.int64)


def salted(hashes: Hashes, salt: int) -> Hashes:
    """Hashes of the same things in another role."""
    result: Hashes = hashes ^ np.uint64(salt * int(_FACTOR) % 2**64)
    return result


def joined(left: Hashes, right: Hashes) -> Hashes:
    """Hashes of ordered pairs."""
    result: Hashes = mix(left) * _FACTOR + right
    return result


def hash_words(words: Sequence[str]) -> Hashes:
    """The hash of each word, the same on every machine."""
    return _Letters(words).whole()


class _Letters:
    """Words as one array of code points, each with a space before and after it."""

    def __init__(self, words: Sequence[str]) -> None:
        text = "".join(f" {word} " for word in words)
        self.codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        self.lengths = np.array([len(word) + 2 for word in words], np.int64)
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.place = np.arange(len(self.codes)) - np.repeat(self.starts, self.lengths)

    def whole(self) -> Hashes:
        """A hash of all letters of each word."""
        if not len(self.lengths):
            return np.zeros(0, np.uint64)
        letters = mix(self.codes + (self.place.astype(np.uint64) + np.uint64(1)) * _FACTOR)
        result: Hashes = mix(np.add.reduceat(letters, self.starts))
        return result

    def runs(self) -> tuple[Ints, Hashes]:
        """The word (its index) and the hash of each run of 2 to 5 letters."""
        if not len(self.lengths):
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        owner = np.repeat(np.arange(len(self.lengths)), self.lengths)
        room = self.lengths[owner] - self.place
        hashes = self.codes.copy()
        owners, found = [], []
        for size in range(2, min(_LONGEST_RUN, len(hashes)) + 1):
            count = len(hashes) - size + 1
            hashes[:count] = hashes[:count] * _FACTOR + self.codes[size - 1 :]
            chosen = np.flatnonzero(room >= size)
            owners.append(owner[chosen])
            found.append(salted(hashes[chosen], size))
        return np.concatenate(owners), np.concatenate(found)


@dataclass(frozen=True)
class Learned:
    """The features of new words: ``rest`` are buckets of letters and marks, ordered by ``owners``."""

    whole: Hashes
    owners: Ints
    rest: Ints


class Words:
    """Numbers for the normal forms met so far; what is kept of each stands in arrays by that number."""

    def __init__(self) -> None:
        self.numbers: dict[Normal, int] = {}
        self.known: dict[str, int] = {}
        """The number of each piece as it is written."""
        self.kinds = np.zeros(0, np.int64)
        self.whole: Hashes = np.zeros(0, np.uint64)
        self.stem: Hashes = np.zeros(0, np.uint64)
        self._new: list[Normal] = []

    def number(self, piece: str) -> int:
        """The number of a piece; a new one is known to the arrays after `learn`."""
        found = normal(piece)
        number = self.numbers.setdefault(found, len(self.numbers))
        if number == len(self.kinds) + len(self._new):
            self._new.append(found)
        self.known[piece] = number
        return number

    def learn(self) -> Learned:
        """Take the new words in."""
        new, self._new = self._new, []
        keys = [word.key for word in new]
        whole = hash_words(keys)
        self.kinds = np.append(self.kinds, np.array([word.kind for word in new], np.int64))
        self.whole = np.append(self.whole, whole)
        self.stem = np.append(self.stem, salted(hash_words([key[:STEM] for key in keys]), _STEM_SALT))
        marks = [(index, mark) for index, word in enumerate(new) for mark in word.marks]
        spelled = [index for index, word in enumerate(new) if word.kind & WORD]
        owner, runs = _Letters([keys[index] for index in spelled]).runs()
        owners = np.concatenate([np.array(spelled, np.int64)[owner], [index for index, _ in marks]])
        hashes = np.concatenate([runs, hash_words([mark for _, mark in marks])])
        order = np.argsort(owners, kind="stable")
        return Learned(whole, owners[order].astype(np.int64), buckets(hashes[order]))
