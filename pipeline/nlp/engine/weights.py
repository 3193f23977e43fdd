"""natasha's packed weights and vocabularies, read into the plain arrays that the engine computes with."""

from __future__ import annotations

from dataclasses import dataclass

import navec.tar
import numpy as np
import numpy.typing as npt
from navec.pq import PQ
from slovnet.const import PAD, SHAPE, TAG, UNK, WORD
from slovnet.exec.model import NER, CNNEncoderLayer, Morph
from slovnet.exec.pack import Pack

from pipeline.nlp.natasha_import import natasha

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A convolution over three words, ReLU and batch norm: ``scale * relu(x @ weight + bias) + shift``."""

    weight: Floats
    """Inputs x 3 filters: what a word gives to the word after it, to itself, and to the word before it."""
    bias: Floats
    scale: Floats
    shift: Floats


@dataclass(frozen=True)
class Embedding:
    """Word vectors as navec packs them: a word is a row of ``indexes``, each picks a piece from ``codes``."""

    indexes: npt.NDArray[np.uint8]
    codes: Floats

    def vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """Words x 300."""
        groups, codes, size = self.codes.shape
        rows = self.indexes[ids] + np.arange(0, groups * codes, codes)
        pieces: Floats = self.codes.reshape(-1, size).take(rows, 0)
        return pieces.reshape(len(ids), -1)


@dataclass(frozen=True)
class Model:
    """A slovnet tagger. Ids of words absent from ``words`` are ``unknown``; ``pad`` is natasha's padding."""

    embedding: Embedding
    words: dict[str, int]
    unknown: int
    pad: tuple[int, int]
    shapes: dict[str, int]
    shape_vectors: Floats
    layers: tuple[Layer, Layer, Layer]
    projection: Floats
    projection_bias: Floats
    tags: tuple[str, ...]
    transitions: Floats | None
    """Previous tag x tag; None where tags are chosen one by one."""


def load_models() -> tuple[Model, Model]:
    """NER and morphology; they share the word vectors and, where it is the same, the vocabulary."""
    with navec.tar.Tar(natasha.data.NEWS_EMBEDDING) as tar:
        packed = PQ.from_file(tar.load("pq.bin"))
    embedding = Embedding(packed.indexes, packed.codes)
    del packed
    ner = _load(natasha.data.NEWS_NER, NER, embedding, None)
    return ner, _load(natasha.data.NEWS_MORPH, Morph, embedding, ner.words)


def _load(path: str, kind: type, embedding: Embedding, known: dict[str, int] | None) -> Model:
    with Pack(path) as pack:
        pack.load_meta().check_protocol()
        scheme = pack.load_model(kind)
        packed = scheme.inject_arrays(dict(pack.load_arrays(scheme.weights)))
        words, shapes, tags = (pack.load_vocab(name).item_ids for name in (WORD, SHAPE, TAG))
    first, second, third = map(_layer, packed.encoder.layers)
    return Model(
        embedding=embedding,
        words=known if known is not None and known == words else words,
        unknown=words[UNK],
        pad=(words[PAD], shapes[PAD]),
        shapes=shapes,
        shape_vectors=packed.emb.shape.weight.array,
        layers=(first, second, third),
        projection=packed.head.proj.weight.array,
        projection_bias=packed.head.proj.bias.array,
        tags=tuple(tags),
        transitions=packed.head.crf.transitions.array.copy() if kind is NER else None,
    )


def _layer(layer: CNNEncoderLayer) -> Layer:
    weight = layer.conv.weight.array  # filters x inputs x taps
    norm = layer.norm
    scale = norm.weight.array / norm.std.array
    return Layer(
        weight=np.ascontiguousarray(weight.transpose(1, 2, 0).reshape(weight.shape[1], -1)),
        bias=layer.conv.bias.array.copy(),
        scale=scale,
        shift=norm.bias.array - norm.mean.array * scale,
    )
