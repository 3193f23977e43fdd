"""Design matrices of the fast sentiment tier: the blocks whose weighted sum `SentimentModel` computes.

Only training imports this module; it needs the extra ``train`` (scipy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.nlp import fast_tokens
from pipeline.nlp.fast_tokens import Units
from pipeline.nlp.fast_vectors import WordVectors
from pipeline.nlp.fast_weights import idf, rarities
from pipeline.nlp.fast_words import BITS, Words, buckets
from pipeline.nlp.tiers import Question

VECTORS = 0.5
"""Weight of the word vectors: the less, the more they are regularised."""

BUCKETS = 1 << BITS
_BATCH = 512

Array = NDArray[Any]
Matrix = Any
"""scipy.sparse.csr_matrix of float32."""


@dataclass(frozen=True)
class Encoded:
    """Questions as counts, a row each: of words, of pairs, and of both near the object."""

    words: Matrix
    pairs: Matrix
    near_words: Matrix
    near_pairs: Matrix
    whole: Matrix
    """Words x buckets: the word itself."""
    rest: Matrix
    """Words x buckets: its letters and marks."""
    hashes: Array
    """Of each word."""


def encode(questions: Sequence[Question]) -> Encoded:
    """Cut questions into units, as inference does."""
    words = Words()
    found: list[tuple[int, tuple[Units, ...]]] = []
    owners, rest = [], []
    for at in range(0, len(questions), _BATCH):
        some = questions[at : at + _BATCH]
        numbers = fast_tokens.cut(words, [fast_tokens.marked(question) for question in some])
        before = len(words.kinds)
        learned = words.learn()
        owners.append(learned.owners + before)
        rest.append(learned.rest)
        tokens = fast_tokens.place(words, numbers, len(some))
        found.append((at, (*fast_tokens.of_text(words, tokens), *fast_tokens.near_object(words, tokens))))
    known = len(words.kinds)
    widths = (known, BUCKETS, known, BUCKETS)
    counts, pairs, near_words, near_pairs = (
        _counts(
            np.concatenate([units[kind].texts + at for at, units in found]),
            np.concatenate([units[kind].values for _, units in found]),
            (len(questions), width),
        )
        for kind, width in enumerate(widths)
    )
    return Encoded(
        words=counts,
        pairs=pairs,
        near_words=near_words,
        near_pairs=near_pairs,
        whole=_counts(np.arange(known), buckets(words.whole), (known, BUCKETS)),
        rest=_counts(np.concatenate(owners), np.concatenate(rest), (known, BUCKETS)),
        hashes=words.whole,
    )


def rarity(encoded: Encoded) -> NDArray[np.uint8]:
    """How rare each bucket is among the questions (`fast_weights.rarities`)."""
    features = encoded.words @ (encoded.whole + encoded.rest) + encoded.pairs + encoded.near_pairs
    return rarities(features.shape[0], np.bincount(features.indices, minlength=BUCKETS))


def blocks(
    encoded: Encoded, chosen: Array, near: bool, rarity: NDArray[np.uint8], vectors: WordVectors
) -> list[Matrix]:
    """Three blocks of columns for the chosen questions: words and pairs, letters, vectors.

    Each is divided by the root of the sum of its squares, counted as `SentimentModel._sum` counts.

    Args:
        near: what stands near the object; otherwise the whole text.
        rarity: of each bucket.
    """
    words = (encoded.near_words if near else encoded.words)[chosen]
    pairs = (encoded.near_pairs if near else encoded.pairs)[chosen]
    rare = idf(rarity)
    weight = encoded.whole @ rare - 1
    dense = vectors.of(encoded.hashes) * weight[:, np.newaxis]
    own, letters = words @ encoded.whole + pairs, words @ encoded.rest
    roots = (own @ rare**2, letters @ rare**2, words @ np.einsum("nd,nd->n", dense, dense))
    parts = (
        own @ sp.diags_array(rare),
        letters @ sp.diags_array(rare),
        sp.csr_matrix(words @ dense * VECTORS),
    )
    return [
        (sp.diags_array(1 / np.sqrt(np.maximum(root, 1e-9))) @ part).astype(np.float32)
        for root, part in zip(roots, parts, strict=True)
    ]


def _counts(rows: Array, columns: Array, shape: tuple[int, int]) -> Matrix:
    counts = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts
