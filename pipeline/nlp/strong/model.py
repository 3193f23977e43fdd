"""The strong tier at work: onnxruntime on the graph that training wrote.

One text at a time: activations are quantised by the range that they have in one run, so else an answer would
depend on the other texts of its batch, and two replays would differ. Without padding it is as fast as
small batches.
"""

from __future__ import annotations

import errno
import gzip
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from pipeline.nlp.strong.encoding import Encoder
from pipeline.nlp.tiers import CLASSES, LABELS, Floats, Question, as_labels, softmax

FILE = "strong.onnx"
PIECES = "pieces.json.gz"
FORMAT = "1"
"""Of the graph's metadata and of `encoding`; a file of another format must be trained again."""

REMEMBERED = 8_192
"""Answers that are kept: a retweet of a text, with other links and handles, has the same pieces."""


class IncompatibleStrongModel(ValueError):
    """A model file that this code cannot use; train it again."""


class StrongModel:
    """The fine-tuned encoder. Not thread-safe; runs on one core (a worker is one process per core)."""

    def __init__(self, path: Path, pieces: Path) -> None:
        """Load a model file and the tokenizer beside it.

        Raises:
            FileNotFoundError: one of the files is not there.
            IncompatibleStrongModel: the file was written by another version.
        """
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such model", str(path))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = self._session.get_modelmeta().custom_metadata_map
        if found.get("format") != FORMAT:
            cure = "run `molva train sentiment --tier strong`"
            raise IncompatibleStrongModel(f"{path} is of another version: {cure}")
        self.name = found["name"]
        """For the field ``model`` of the records."""
        self._bias = {
            head: np.array(json.loads(found[f"{head}_bias"]), np.float32) for head in ("text", "object")
        }
        self._temperature = {head: float(found[f"{head}_temperature"]) for head in ("text", "object")}
        self._aside = float(found["aside"])
        self._answer = lru_cache(REMEMBERED)(self._run)
        self._encode = Encoder(Tokenizer.from_str(gzip.decompress(pieces.read_bytes()).decode()))

    def classes(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `CLASSES` for whole texts, (texts, 5)."""
        scores = self._scores([Question(text) for text in texts], "classes", len(CLASSES))
        return self._probabilities(scores, "text")

    def whole(self, texts: Sequence[str]) -> Floats:
        """Probabilities of `LABELS` for whole texts, (texts, 3)."""
        return as_labels(self.classes(texts), self._aside)

    def toward(self, questions: Sequence[Question]) -> Floats:
        """Probabilities of `LABELS` toward the objects asked for, (questions, 3)."""
        return self._probabilities(self._scores(questions, "labels", len(LABELS)), "object")

    def _scores(self, questions: Sequence[Question], output: str, width: int) -> Floats:
        scores = np.zeros((len(questions), width), np.float32)
        pieces = self._encode(questions)
        for row, item in zip(scores, pieces, strict=True):
            row[:] = self._answer(output, tuple(item.ids), tuple(item.marks))
        return scores

    def _run(self, output: str, ids: tuple[int, ...], marks: tuple[int, ...]) -> Floats:
        inputs = {
            "ids": np.array([ids], np.int64),
            "marks": np.array([marks], np.float32),
            "mask": np.ones((1, len(ids)), np.float32),
        }
        answer: Floats = self._session.run([output], inputs)[0][0]
        return answer

    def _probabilities(self, scores: Floats, head: str) -> Floats:
        return softmax(scores / self._temperature[head] + self._bias[head])
