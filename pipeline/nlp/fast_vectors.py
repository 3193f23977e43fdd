"""natasha's word vectors (navec, MIT): what they say of words that the training texts hardly hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.nlp.fast_words import Hashes, Ints, hash_words
from pipeline.nlp.natasha_import import natasha
from pipeline.nlp.tiers import Floats

_MOST_LETTERS = 25


@dataclass(frozen=True)
class WordVectors:
    """Vectors, (words, 300), by the hash of the word (`fast_words.Words.whole`), sorted by it."""

    hashes: Hashes
    vectors: Floats

    def of(self, whole: Hashes) -> Floats:
        """The vector of each word, (words, 300); zeros where there is none."""
        rows = np.minimum(np.searchsorted(self.hashes, whole), len(self.hashes) - 1)
        found = self.vectors[rows]
        found[self.hashes[rows] != whole] = 0
        return found

    def squares(self) -> Floats:
        """The squared length of each vector."""
        result: Floats = np.einsum("nd,nd->n", self.vectors, self.vectors)
        return result


def read_vectors() -> WordVectors:
    """The vectors of Russian words, as natasha ships them (news, 300 dimensions)."""
    navec = natasha.NewsEmbedding()
    words = {
        word.replace("ё", "е"): number
        for number, word in enumerate(navec.vocab.words)
        if "а" <= word[0] <= "я" and len(word) <= _MOST_LETTERS and not any(map(str.isdigit, word))
    }
    hashes = hash_words(list(words))
    order = np.argsort(hashes)
    chosen: Ints = np.array(list(words.values()), np.int64)[order]
    packed = navec.pq
    vectors = packed.codes[np.arange(packed.qdim), packed.indexes[chosen]].reshape(len(chosen), packed.dim)
    return WordVectors(hashes[order], vectors.astype(np.float32))
