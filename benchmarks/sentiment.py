"""Sentiment: held-out scores, speed and memory of a shipped fast model; JSON.

    OMP_NUM_THREADS=1 python benchmarks/sentiment.py full ../shared/data
    OMP_NUM_THREADS=1 python benchmarks/sentiment.py full ../shared/data --later

The held-out part is that of the model's own training (same seed). For ``open`` the data sets that it has
never seen are scored as well: ``foreign`` is what to expect on new kinds of text. ``--later`` trains anew,
without the last third of the days of the tweets of 2014 and whatever nearly repeats them, and scores those.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.nlp import fitting
from pipeline.nlp.corpora import CORPORA, find_name
from pipeline.nlp.evaluation import by_domain
from pipeline.nlp.parts import SEED, SETS, Split, split
from pipeline.nlp.sentiment import MODELS, SentimentModel
from pipeline.nlp.splits import distinct, group, position
from pipeline.nlp.tiers import Question
from pipeline.nlp.training import REPORT, learn

BATCH = 256

Item = TypeVar("Item")


def scores(which: str, data: Path) -> dict[str, Any]:
    """Scores of the held-out part of the model's own data sets, and of those that it never saw."""
    model = SentimentModel.load(which)
    seed = json.loads((MODELS / which / REPORT).read_text(encoding="utf-8"))["seed"]
    own = split(which, data, seed).held_out
    foreign = [example for example in split("full", data, seed).held_out if example.corpus not in SETS[which]]
    return {
        "model": model.name,
        "held_out": {domain: score.as_json() for domain, score in by_domain(model, own).items()},
        "foreign": {domain: score.as_json() for domain, score in by_domain(model, foreign).items()},
    }


def later(which: str, data: Path) -> dict[str, Any]:
    """Scores on tweets of the last third of the days, of a model that has seen none of that time."""
    files = [CORPORA[name] for name in ("tweets_banks_2014", "tweets_telecoms_2014")]
    days = {row["text"]: row["created_at"][:10] for corpus in files for row in _rows(data / corpus.file)}
    first_left_out = sorted(set(days.values()))[-len(set(days.values())) // 3]
    examples = distinct([item for name in SETS[which] for item in CORPORA[name].read(data)])
    names = group([example.text for example in examples])
    new = {
        name
        for example, name in zip(examples, names, strict=True)
        if days.get(example.text, "") >= first_left_out
    }
    kept = [(item, name) for item, name in zip(examples, names, strict=True) if name not in new]
    folds = [int(position(item.frame or name, SEED) * fitting.FOLDS) for item, name in kept]
    weights, chosen = learn(which, Split([item for item, _ in kept], folds, []), SEED, lambda line: None)
    asked = [item for item in examples if days.get(item.text, "") >= first_left_out]
    found = by_domain(SentimentModel(weights), asked)
    return {
        "left_out_from": first_left_out,
        "chosen": chosen,
        "later": {domain: score.as_json() for domain, score in found.items()},
    }


def speed(which: str, data: Path) -> dict[str, float]:
    """Posts per CPU second, as real tweets stream once (empty cache, batches of 256), then again (warm)."""
    texts = [row["text"] for row in _rows(data / "rusentitweet_train.jsonl")]
    asked = [
        Question(row["text"], find_name(name, row["text"]), name)
        for row in _rows(data / "tweets_banks_2014.jsonl")
        for name in row["targets"]
    ]
    measured: dict[str, float] = {}
    for kind in ("cold", "warm"):
        if kind == "cold":
            of_texts, of_objects = SentimentModel.load(which), SentimentModel.load(which)
        measured |= {
            f"whole_{kind}_posts_per_cpu_second": _per_second(texts, of_texts.whole),
            f"toward_{kind}_posts_per_cpu_second": _per_second(asked, of_objects.toward),
        }
    return {**measured, "texts": len(texts), "questions": len(asked), "peak_rss_mib": _peak_mib()}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _per_second(items: Sequence[Item], work: Callable[[Sequence[Item]], object]) -> float:
    started = time.process_time()
    for at in range(0, len(items), BATCH):
        work(items[at : at + BATCH])
    return round(len(items) / (time.process_time() - started))


def _peak_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description="sentiment scores and speed")
    parser.add_argument("model", choices=sorted(SETS))
    parser.add_argument("data", type=Path, help="the folder with the labelled data sets")
    parser.add_argument("--later", action="store_true", help="train without the last days, and score them")
    arguments = parser.parse_args()
    if arguments.later:
        print(json.dumps(later(arguments.model, arguments.data), indent=2))
        return
    measured = speed(arguments.model, arguments.data)  # before the data sets take memory
    print(json.dumps({**scores(arguments.model, arguments.data), **measured}, indent=2))


if __name__ == "__main__":
    main()
