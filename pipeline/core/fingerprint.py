"""Fingerprints of texts, in which near-duplicates share most hashes: retweets, copies with small edits.

A text's fingerprint is a bottom-k sketch (Broder 1997): the 12 smallest of the hashes of its runs of 12
letters. The share of hashes that two sketches have in common estimates the share of runs that the texts
have in common. A text too short for runs has the two halves of one hash of all its letters, so only the
same text equals it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

RUN: Final = 12
SIZE: Final = 12
SHORT: Final = 20
"""Texts of fewer letters are compared exactly."""

ALIKE: Final = 4
"""Near-duplicates share at least so many hashes (short texts: both of theirs)."""

Fingerprint = tuple[int, ...]

_SEED: Final = 0x9E3779B97F4A7C15
_MULTIPLIER: Final = 0xBF58476D1CE4E5B9
_FINISH: Final = 0x94D049BB133111EB
_WORD64: Final = (1 << 64) - 1
_POWERS: Final = tuple(np.uint64(pow(_SEED, size, 1 << 64)) for size in (1, 2, 4, 8))


def fingerprints(texts: Sequence[str]) -> list[Fingerprint]:
    """The fingerprints of texts that were reduced to their letters; one without letters has none.

    Each hash is an unsigned 32-bit number; the same for the same text in every run and version 1 of Molva.
    """
    chosen = [index for index, text in enumerate(texts) if len(text) >= SHORT]
    result = [() if len(text) >= SHORT else _exact(text) for text in texts]
    if chosen:
        for index, sketch in zip(chosen, _sketches([texts[index] for index in chosen]), strict=True):
            result[index] = sketch
    return result


def alike(left: Fingerprint, right: Fingerprint) -> bool:
    """Whether two texts are near-duplicates, judged by their fingerprints alone."""
    return len(set(left) & set(right)) >= needed(left) and bool(left)


def needed(fingerprint: Fingerprint) -> int:
    """How many hashes another text must share with this one to be its near-duplicate."""
    return min(ALIKE, len(fingerprint))


def _exact(letters: str) -> Fingerprint:
    if not letters:
        return ()
    state = len(letters)
    for char in letters:
        state = (state ^ ord(char)) * _MULTIPLIER & _WORD64
        state ^= state >> 29
    return state >> 32, state & 0xFFFFFFFF


def _sketches(texts: Sequence[str]) -> list[Fingerprint]:
    """Sketches of texts of at least `SHORT` letters, all in a few passes over their joined characters."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    sizes = np.array([len(text) for text in texts])
    counts = sizes - RUN + 1
    begins = np.cumsum(sizes) - sizes
    owners = np.repeat(np.arange(len(texts)), counts)
    places = np.arange(int(counts.sum())) + np.repeat(begins - np.cumsum(counts) + counts, counts)
    hashes = _runs(codes)[places] >> np.uint64(32)
    keyed = (owners.astype(np.uint64) << np.uint64(32)) | hashes
    keyed.sort()
    keyed = keyed[np.append(True, keyed[1:] != keyed[:-1])]
    starts = np.searchsorted(keyed, np.arange(len(texts) + 1, dtype=np.uint64) << np.uint64(32))
    firsts = starts[:-1, None] + np.arange(SIZE)
    smallest = (keyed[np.minimum(firsts, len(keyed) - 1)] & np.uint64(0xFFFFFFFF)).tolist()
    counts_kept = np.minimum(np.diff(starts), SIZE).tolist()
    return [tuple(row[:count]) for row, count in zip(smallest, counts_kept, strict=True)]


def _runs(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The hash of the `RUN` = 8 + 4 characters that start at each place; (characters - RUN + 1,)."""
    one = codes.astype(np.uint64) * np.uint64(_MULTIPLIER)
    one ^= one >> np.uint64(31)
    two = one[:-1] * _POWERS[0] + one[1:]
    four = two[:-2] * _POWERS[1] + two[2:]
    eight = four[:-4] * _POWERS[2] + four[4:]
    mixed = eight[:-4] * _POWERS[2] + four[8:]
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(_FINISH)
    mixed ^= mixed >> np.uint64(27)
    return mixed
