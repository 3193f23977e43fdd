"""What training leaves behind for the fast sentiment tier: tables of its features, and their file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.nlp.fast_words import BITS, Hashes, Ints
from pipeline.nlp.tiers import Floats

VERSION: Final = 2
"""Of the features: whatever changes in how a text becomes features makes trained weights meaningless."""

TEXT, OBJECT, NEAR = slice(0, 5), slice(5, 8), slice(8, 11)
"""Columns of the scores: the classes of the whole text; the labels toward the object, from the whole text and
from the words near it."""

COLUMNS: Final = 11
_IDF_STEP = 1 / 20
_LEVELS = 127
_SIGNED = np.arange(256).astype(np.uint8).view(np.int8).astype(np.float32)
_SQUARES = (np.sign(_SIGNED) * (_SIGNED / _LEVELS) ** 2).astype(np.float32)
"""What an int8 (read as uint8) stands for."""


class IncompatibleModel(ValueError):
    """A weights file that this code cannot use; train it again."""


@dataclass(frozen=True)
class Squeezed:
    """Scores, (n, 11), as int8: ``sign(w) sqrt(|w|)``, scaled per column, keeps small ones distinct."""

    values: NDArray[np.int8]
    scale: Floats

    @classmethod
    def of(cls, scores: Floats) -> Squeezed:
        scale = np.abs(scores).max(axis=0, initial=0).astype(np.float32)
        scale[scale == 0] = 1
        roots = np.sign(scores) * np.sqrt(np.abs(scores) / scale)
        return cls(np.rint(roots * _LEVELS).astype(np.int8), scale)

    def rows(self, chosen: Ints) -> Floats:
        """The scores of some rows, (chosen, 11), as float32."""
        squares: Floats = _SQUARES[self.values[chosen].view(np.uint8)]
        return squares * self.scale


@dataclass(frozen=True)
class Vectors:
    """The share that word vectors have in the scores: of each word that has one, by its hash, sorted."""

    hashes: NDArray[np.uint32]
    scores: Squeezed
    squares: NDArray[np.float16]
    """The squared length of each vector."""

    def find(self, whole: Hashes) -> tuple[Ints, NDArray[np.bool_]]:
        """The rows of words (by `Words.whole`), and which of them have one."""
        short = (whole >> np.uint64(32)).astype(np.uint32)
        rows = np.minimum(np.searchsorted(self.hashes, short), len(self.hashes) - 1)
        return rows, self.hashes[rows] == short


@dataclass(frozen=True)
class Weights:
    """A trained model.

    ``table`` has a row per bucket of features, ``rarity`` each bucket's inverse document frequency in steps
    of 1/20. ``bias`` is (11,), ``temperature`` (2,): of the text and of the object. ``aside`` is the share of
    speech and skip that counts as neutral in the three labels; ``prior`` (5,) are the classes where a text
    holds no word at all.
    """

    name: str
    table: Squeezed
    rarity: NDArray[np.uint8]
    vectors: Vectors
    bias: Floats
    temperature: Floats
    aside: float
    prior: Floats

    def idf(self, chosen: Ints) -> Floats:
        """The inverse document frequency of buckets."""
        return idf(self.rarity[chosen])

    def save(self, path: Path) -> None:
        """Write the weights: no vocabulary, no text."""
        np.savez_compressed(
            path,
            name=np.array(self.name),
            features=np.array([VERSION, BITS]),
            table=self.table.values,
            table_scale=self.table.scale,
            rarity=self.rarity,
            vector_hashes=self.vectors.hashes,
            vectors=self.vectors.scores.values,
            vectors_scale=self.vectors.scores.scale,
            squares=self.vectors.squares,
            bias=self.bias,
            temperature=self.temperature,
            aside=np.array(self.aside),
            prior=self.prior,
        )

    @classmethod
    def read(cls, path: Path) -> Weights:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            IncompatibleModel: it was trained with other features.
        """
        # numpy would leave a file open that it cannot read
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if stored["features"].tolist() != [VERSION, BITS]:
                raise IncompatibleModel(
                    f"{path} was trained with other features: run `molva train sentiment`"
                )
            return cls(
                name=str(stored["name"]),
                table=Squeezed(stored["table"], stored["table_scale"]),
                rarity=stored["rarity"],
                vectors=Vectors(
                    stored["vector_hashes"],
                    Squeezed(stored["vectors"], stored["vectors_scale"]),
                    stored["squares"],
                ),
                bias=stored["bias"],
                temperature=stored["temperature"],
                aside=float(stored["aside"]),
                prior=stored["prior"],
            )


def idf(rarity: NDArray[np.uint8]) -> Floats:
    """The inverse document frequency that `rarities` stored."""
    result: Floats = rarity.astype(np.float32) * np.float32(_IDF_STEP)
    return result


def rarities(texts: int, holding: NDArray[Any]) -> NDArray[np.uint8]:
    """The inverse document frequency, ``ln((1 + texts) / (1 + holding)) + 1``, in steps of 1/20."""
    idf = np.log((1 + texts) / (1 + holding)) + 1
    return np.minimum(np.rint(idf / _IDF_STEP), 255).astype(np.uint8)
