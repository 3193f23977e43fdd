"""``molva train sentiment``: from labelled data sets to weights, a report with held-out scores, a model card.

The same seed and data give the same weights. Needs the extra ``train``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from pipeline.nlp import fast_design, fast_heads, fitting, probes
from pipeline.nlp.contrast import contrasts
from pipeline.nlp.corpora import CORPORA, Corpus
from pipeline.nlp.evaluation import Score, by_domain
from pipeline.nlp.fast_vectors import WordVectors, read_vectors
from pipeline.nlp.fast_weights import VERSION, Squeezed, Vectors, Weights, idf
from pipeline.nlp.model_card import STRONG_REPORT, render
from pipeline.nlp.parts import HELD_OUT, SEED, Split, Which, split
from pipeline.nlp.sentiment import FILE, MODELS, SentimentModel
from pipeline.nlp.splits import as_texts
from pipeline.nlp.tiers import CLASSES, LABELS, Question

REPORT = "report.json"
CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class Report:
    """What a training did and reached; ``scores`` are those of the written weights on the held-out part."""

    model: str
    seed: int
    feature_version: int
    held_out_share: float
    data: dict[str, dict[str, Any]]
    """Per data set: licence, examples after deduplication (train, held out), labels."""
    cost: float
    chosen: dict[str, dict[str, Any]]
    """Per head, what inner folds chose and reached."""
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
            values = (
                *(score.f1[label] for label in LABELS),
                score.macro,
                score.polar,
                score.calibration_error,
            )
            table.add_row(domain, f"{score.examples:,}", *(f"{value:.3f}" for value in values))
        return table


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
    weights, chosen = learn(which, parts, seed, report)
    out_dir = MODELS / which if out_dir is None else out_dir
    out_dir.mkdir(parents=True, exist_ok=True)
    weights.save(out_dir / FILE)
    report("scoring")
    model = SentimentModel.load(out_dir / FILE)
    result = Report(
        model=model.name,
        seed=seed,
        feature_version=VERSION,
        held_out_share=HELD_OUT,
        data=_describe(parts, {corpus.name: corpus for corpus in corpora} or CORPORA),
        cost=fast_heads.COST,
        chosen=chosen,
        temperatures={"text": float(weights.temperature[0]), "object": float(weights.temperature[1])},
        scores=by_domain(model, parts.held_out),
        probes=probes.score(model),
    )
    document = json.dumps(result.as_json(), ensure_ascii=False, indent=2)
    (out_dir / REPORT).write_text(document + "\n", encoding="utf-8")
    strong = out_dir / STRONG_REPORT
    beside = json.loads(strong.read_text(encoding="utf-8")) if strong.is_file() else None
    (out_dir / CARD).write_text(render(which, result.as_json(), beside), encoding="utf-8")
    return result


def learn(
    which: str, parts: Split, seed: int, report: Callable[[str], None]
) -> tuple[Weights, dict[str, dict[str, Any]]]:
    """The weights that the training part teaches, and what inner folds chose for each head.

    Raises:
        ValueError: too few examples of a label.
    """
    texts, objects, judged = _texts(parts), *_objects(parts, seed)
    report(f"encoding {len(texts.train)} texts and {len(objects.train)} questions about objects")
    encoded = fast_design.encode(
        [Question(example.text) for example in texts.train]
        + [Question(example.text, example.spans) for example in objects.train]
    )
    vectors = read_vectors()
    rarity = fast_design.rarity(encoded)
    of_text = np.arange(len(texts.train))
    of_object = len(texts.train) + np.arange(len(objects.train))
    report("text: fitting")
    blocks = fast_design.blocks(encoded, of_text, False, rarity, vectors)
    text, general = fast_heads.of_texts(blocks, texts.train, np.array(texts.folds), seed)
    report(f"text: {text.chosen}; object: fitting")
    blocks = fast_design.blocks(encoded, of_object, False, rarity, vectors)
    blocks += fast_design.blocks(encoded, of_object, True, rarity, vectors)
    domains = np.array([CORPORA[example.corpus].domain for example in objects.train])
    about = fast_heads.of_objects(
        blocks, objects.train, np.array(objects.folds), domains, judged, general, seed
    )
    report(f"object: {about.chosen}")
    weights = _weights(which, parts, text, about, rarity, vectors)
    return weights, {"text": text.chosen, "object": about.chosen}


def _texts(parts: Split) -> Split:
    """The same parts with one example per text, for the head that judges whole texts."""
    fold_of = {example.text: fold for example, fold in zip(parts.train, parts.folds, strict=True)}
    train = as_texts(parts.train)
    return Split(train, [fold_of[example.text] for example in train], [])


def _objects(parts: Split, seed: int) -> tuple[Split, fitting.Array]:
    """The examples about objects and those made by joining them, and which of all are real."""
    real = [(example, fold) for example, fold in zip(parts.train, parts.folds, strict=True) if example.about]
    made, folds = contrasts(parts.train, parts.folds, seed)
    train = [example for example, _ in real] + made
    return Split(train, [fold for _, fold in real] + folds, []), np.arange(len(train)) < len(real)


def _weights(
    which: str,
    parts: Split,
    text: fast_heads.Fitted,
    about: fast_heads.Fitted,
    rarity: NDArray[np.uint8],
    vectors: WordVectors,
) -> Weights:
    table = np.hstack([text.table, about.table]) * idf(rarity)[:, np.newaxis]
    meaning = fast_design.VECTORS * vectors.vectors @ np.hstack([text.vectors, about.vectors])
    counts = Counter(example.label for example in parts.train)
    prior = np.array([counts[name] / len(parts.train) if name in LABELS else 0 for name in CLASSES])
    return Weights(
        name=f"ngram-{which}-{VERSION}",
        table=Squeezed.of(table.astype(np.float32)),
        rarity=rarity,
        vectors=Vectors(
            (vectors.hashes >> np.uint64(32)).astype(np.uint32),
            Squeezed.of(meaning.astype(np.float32)),
            vectors.squares().astype(np.float16),
        ),
        bias=np.concatenate([text.bias, about.bias, np.zeros(len(LABELS))]).astype(np.float32),
        temperature=np.array([text.temperature, about.temperature], np.float32),
        aside=text.chosen["speech_and_skip_as_neutral"],
        prior=prior.astype(np.float32),
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
