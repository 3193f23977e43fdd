"""Sentiment: held-out scores, speed and memory of a shipped model, and the whole annotator; JSON.

    OMP_NUM_THREADS=1 python benchmarks/sentiment.py full ../shared/data

The held-out part is that of the model's own training (same seed). For ``open`` the data sets that it has
never seen are scored as well: ``foreign`` is what to expect on new kinds of text.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.nlp.annotator import Request, build_annotator
from pipeline.nlp.evaluation import by_domain
from pipeline.nlp.sentiment import MODELS, SentimentModel
from pipeline.nlp.training import REPORT, SETS, split

POSTS = 4_000
BATCH = 256
WATCHLIST = Path(__file__).parent.parent / "examples" / "banks-and-operators.yaml"


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


def speed(which: str, data: Path) -> dict[str, float]:
    """Posts per CPU second on real tweets, first with an empty word cache, then again."""
    texts = [
        json.loads(line)["text"]
        for name in ("tweets_banks_2014", "rusentitweet_train")
        for line in (data / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[: POSTS // 2]
    ]
    model = SentimentModel.load(which)
    annotator = build_annotator(WATCHLIST, which)
    requests = [Request(text) for text in texts]

    def annotate() -> None:
        for at in range(0, len(requests), BATCH):
            annotator.annotate(requests[at : at + BATCH])

    measured = {
        "text_cold_posts_per_cpu_second": _per_second(len(texts), lambda: model.text(texts)),
        "text_warm_posts_per_cpu_second": _per_second(len(texts), lambda: model.text(texts)),
        "annotator_cold_posts_per_cpu_second": _per_second(len(texts), annotate),
        "annotator_warm_posts_per_cpu_second": _per_second(len(texts), annotate),
    }
    return {**measured, "posts": len(texts), "peak_rss_mib": _peak_mib()}


def _per_second(posts: int, work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return round(posts / (time.process_time() - started))


def _peak_mib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description="sentiment scores and speed")
    parser.add_argument("model", choices=sorted(SETS))
    parser.add_argument("data", type=Path, help="the folder with the labelled data sets")
    arguments = parser.parse_args()
    measured = speed(arguments.model, arguments.data)  # before the data sets take memory
    print(json.dumps({**scores(arguments.model, arguments.data), **measured}, indent=2))


if __name__ == "__main__":
    main()
