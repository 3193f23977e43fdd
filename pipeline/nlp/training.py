"""``molva train sentiment``: from labelled data sets to weights, a report with held-out scores, a model card.

The same seed and data give the same weights. Needs the extra ``train``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.table import Table

from pipeline.nlp import features, fitting, probes
from pipeline.nlp.contrast import contrasts
from pipeline.nlp.corpora import CORPORA, FULL, OPEN, Corpus, Example
from pipeline.nlp.evaluation import Score, by_domain
from pipeline.nlp.model_card import render
from pipeline.nlp.sentiment import FILE, LABELS, MODELS, SentimentModel, Weights
from pipeline.nlp.splits import as_texts, distinct, group, position

Which = Literal["open", "full"]
SETS: dict[str, Sequence[str]] = {"open": OPEN, "full": FULL}
SEED = 20141107
HELD_OUT = 0.15
"""Share of the groups of near-duplicates that training never sees."""

REPORT = "report.json"
CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class Split:
    """Examples without duplicates; ``folds`` of the training part are groups of near-duplicates."""

    train: list[Example]
    folds: list[int]
    held_out: list[Example]


@dataclass(frozen=True)
class Report:
    """What a training did and reached; ``scores`` are those of the written weights on the held-out part."""

    model: str
    seed: int
    feature_version: int
    held_out_share: float
    data: dict[str, dict[str, Any]]
    """Per data set: licence, examples after deduplication (train, held out), labels."""
    costs: dict[str, float]
    inner_macro_f1: dict[str, dict[str, float]]
    temperatures: dict[str, float]
    scores: dict[str, Score]
    probes: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def table(self) -> Table:
        """The scores for a terminal."""
        table = Table(title=f"{self.model}: held-out scores")
        for column in ("", "examples", *LABELS, "macro F1", "F+-", "ECE"):
            table.add_column(column, justify="right" if column else "left")
        for domain, score in self.scores.items():
            values = (*score.f1.values(), score.macro, score.polar, score.calibration_error)
            table.add_row(domain, f"{score.examples:,}", *(f"{value:.3f}" for value in values))
        return table


def split(which: str, data_dir: Path, seed: int = SEED, corpora: Sequence[Corpus] = ()) -> Split:
    """Read the data sets of a model and part them by groups of near-duplicates.

    Raises:
        FileNotFoundError: a data set is not in the directory.
    """
    chosen = corpora or [CORPORA[name] for name in SETS[which]]
    examples = distinct([example for corpus in chosen for example in corpus.read(data_dir)])
    train, folds, held_out = [], [], []
    for example, name in zip(examples, group([example.text for example in examples]), strict=True):
        place = position(name, seed)
        if place < HELD_OUT:
            held_out.append(example)
        else:
            train.append(example)
            folds.append(int((place - HELD_OUT) / (1 - HELD_OUT) * fitting.FOLDS))
    return Split(train, folds, held_out)


def train(
    which: Which,
    data_dir: Path,
    out_dir: Path | None = None,
    seed: int = SEED,
    report: Callable[[str], None] = print,
    corpora: Sequence[Corpus] = (),
) -> Report:
    """Train a model and write its weights, report and card to ``out_dir``.

    Args:
        out_dir: None: the folder of the package from which the model is loaded by its name.
        report: is told, in one line each, what is being done.
        corpora: train on these instead of the model's own data sets.

    Raises:
        FileNotFoundError: a data set is not in ``data_dir``.
        ValueError: too few examples of a label.
    """
    parts = split(which, data_dir, seed, corpora)
    report(f"{len(parts.train)} examples to learn from, {len(parts.held_out)} held out")
    texts = _texts(parts)
    report(f"text: fitting on {len(texts.train)} texts")
    of_text = fitting.fit(_text_task(texts), seed)
    report(f"text: C {of_text.cost}; object: fitting")
    of_object = fitting.fit(_object_task(parts, seed), seed)
    report(f"object: C {of_object.cost}; writing and scoring")
    out_dir = MODELS / which if out_dir is None else out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    _weights(which, parts, of_text, of_object).save(out_dir / FILE)
    model = SentimentModel.load(out_dir / FILE)
    held_out = [example for example in texts.held_out if not example.about]
    held_out += [example for example in parts.held_out if example.about]
    result = Report(
        model=model.name,
        seed=seed,
        feature_version=features.VERSION,
        held_out_share=HELD_OUT,
        data=_describe(parts, {corpus.name: corpus for corpus in corpora} or CORPORA),
        costs={"text": of_text.cost, "object": of_object.cost},
        inner_macro_f1={"text": of_text.inner_macro, "object": of_object.inner_macro},
        temperatures={"text": of_text.temperature, "object": of_object.temperature},
        scores=by_domain(model, held_out),
        probes=probes.score(model),
    )
    document = json.dumps(result.as_json(), ensure_ascii=False, indent=2)
    (out_dir / REPORT).write_text(document + "\n", encoding="utf-8")
    (out_dir / CARD).write_text(render(which, result.as_json()), encoding="utf-8")
    return result


def _texts(parts: Split) -> Split:
    """The same parts with one example per text, for the head that judges whole texts."""
    fold_of = {example.text: fold for example, fold in zip(parts.train, parts.folds, strict=True)}
    train = as_texts(parts.train)
    return Split(train, [fold_of[example.text] for example in train], as_texts(parts.held_out))


def _text_task(parts: Split) -> fitting.Task:
    rows = fitting.matrix([features.units(_tokens(example)) for example in parts.train])
    own = np.array([not example.about for example in parts.train])
    return _task(parts, fitting.adapted(rows, own), own)


def _object_task(real: Split, seed: int) -> fitting.Task:
    made, folds = contrasts(real.train, real.folds, seed)
    parts = Split(real.train + made, real.folds + folds, [])
    masked = [features.mask(_tokens(example), example.spans) for example in parts.train]
    rows = fitting.matrix([features.units(tokens) for tokens in masked])
    close = fitting.matrix([features.units(tokens, features.near(tokens)) for tokens in masked])
    own = np.array([bool(example.about) for example in parts.train])
    judged = own & (np.arange(len(own)) < len(real.train))
    return _task(parts, [*fitting.adapted(rows, own), fitting.NEAR * close], judged)


def _task(parts: Split, blocks: list[Any], judged: fitting.Array) -> fitting.Task:
    return fitting.Task(
        design=fitting.side_by_side(blocks),
        labels=np.array([LABELS.index(example.label) for example in parts.train]),
        judged=judged,
        folds=np.array(parts.folds),
        domains=np.array([CORPORA[example.corpus].domain for example in parts.train]),
    )


def _tokens(example: Example) -> list[features.Token]:
    return features.tokenize(features.excerpt(example.text, ())[0])


def _weights(which: str, parts: Split, of_text: fitting.Fitted, of_object: fitting.Fitted) -> Weights:
    near = fitting.NEAR * of_object.weights[2 * (1 << features.BITS) :]
    table = np.hstack([fitting.merge(of_text.weights), fitting.merge(of_object.weights), near])
    counts = Counter(example.label for example in parts.train)
    return Weights(
        name=f"ngram-{which}-{features.VERSION}",
        table=table.astype(np.float32),
        bias=np.array([of_text.bias, of_object.bias], dtype=np.float32),
        temperature=np.array([of_text.temperature, of_object.temperature], dtype=np.float32),
        prior=np.array([counts[label] / len(parts.train) for label in LABELS], dtype=np.float32),
    )


def _describe(parts: Split, corpora: dict[str, Corpus]) -> dict[str, dict[str, Any]]:
    described = {}
    for name, corpus in corpora.items():
        learned = [example for example in parts.train if example.corpus == name]
        kept = [example for example in parts.held_out if example.corpus == name]
        if learned or kept:
            labels = Counter(example.label for example in learned + kept)
            described[name] = {
                "licence": corpus.licence,
                "train": len(learned),
                "held_out": len(kept),
                "labels": {label: labels[label] for label in LABELS},
            }
    return described
