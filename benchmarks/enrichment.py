"""Speed and memory of full enrichment, as the stage does it, and where the CPU time goes; JSON.

    OMP_NUM_THREADS=1 python benchmarks/enrichment.py --model full --tier cascade [--posts 10000]

Posts: nine tenths RuSentiTweet, one tenth tweets of 2014 that mention an object of
examples/banks-and-operators.yaml, shuffled with a seed; data from ``MOLVA_DATA`` or ../shared/data. ``cold``
starts with empty caches, ``steady`` goes on with posts not seen before, ``warm`` repeats the latter;
``stage`` repeats them from bytes to bytes (with decoding and encoding). CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from pipeline.batches import Incoming
from pipeline.core.clusters import Clusters
from pipeline.core.enrichment import (
    Annotation,
    Failed,
    enriched_post,
    in_cluster,
    linked,
    mentions,
    places,
    whole_stars,
)
from pipeline.core.linking import Linker
from pipeline.core.mentions import Matcher
from pipeline.core.standing import marked
from pipeline.emission import Outgoing
from pipeline.garbage import settle
from pipeline.metrics import Metrics
from pipeline.nlp.annotator import Annotator, Request, build_annotator
from pipeline.nlp.inflection import Inflector
from pipeline.nlp.load import TierName
from pipeline.stages.enrichment import Enrichment
from pipeline.storm import StormLimit
from pipeline.topics import RAW
from pipeline.watchlist_file import load_watchlist
from schemas import EnrichedPost, Mention, Origin, RawPost
from schemas.codec import encode

ROOT = Path(__file__).resolve().parent.parent
WATCHLIST = ROOT / "examples" / "banks-and-operators.yaml"
MENTIONING = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl")
GENERAL = "rusentitweet_train.jsonl"
SEED = 20141107
BATCH = 256
TICK_S = 0.002
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

PARTS = (
    ("pipeline/nlp/engine/", "entities"),
    ("pipeline/nlp/ner.py", "entities"),
    ("pipeline/core/linking", "linking"),
    ("pipeline/core/sightings", "linking"),
    ("pipeline/core/mentions.py", "matcher"),
    ("pipeline/core/language.py", "language"),
    ("pipeline/core/signals/", "signals"),
    ("pipeline/nlp/signal", "signals"),
    ("pipeline/core/fingerprint", "fingerprint"),
    ("pipeline/core/clusters", "fingerprint"),
    ("pipeline/nlp/strong/", "sentiment strong"),
    ("pipeline/nlp/cascade", "sentiment cascade"),
    ("pipeline/nlp/sentiment.py", "sentiment fast"),
    ("pipeline/nlp/fast", "sentiment fast"),
    ("pipeline/core/enrichment.py", "records"),
    ("schemas/codec.py", "decode and encode"),
    ("pipeline/nlp/annotator.py", "annotator itself"),
    ("pipeline/stages/", "stage itself"),
)
"""Of the frames on the stack the innermost one that lies in one of these places says whose time it is."""


class Sampler:
    """Whose CPU time it is, by looking at the stack every 2 ms of it.

    A look weighs the CPU time since the last one, so one long call into compiled code counts in full though
    signals wait for its end; the looks themselves cost under 1 %.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample what runs inside (in the main thread)."""
        before = signal.signal(signal.SIGPROF, self._look)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _: int, frame: FrameType | None) -> None:
        now = time.process_time()
        self.seconds[part_of(frame)] += now - self._last
        self._last = now


def part_of(frame: FrameType | None) -> str:
    """The part that a stack belongs to."""
    while frame is not None:
        name = frame.f_code.co_filename
        for place, part in PARTS:
            if place in name:
                return part
        frame = frame.f_back
    return "other"


def posts(data: Path, number: int) -> list[RawPost]:
    """The mix, shuffled with a seed."""
    draw = random.Random(SEED)
    find = Matcher(load_watchlist(WATCHLIST), Inflector().forms).find
    general = _texts(data / GENERAL)
    about = [text for name in MENTIONING for text in _texts(data / name) if find(text)]
    chosen = draw.sample(general, round(number * 0.9)) + draw.sample(about, number - round(number * 0.9))
    draw.shuffle(chosen)
    return [
        RawPost(
            id=f"bench:{at}", source="bench", native_id=str(at), created_at=NOW, collected_at=NOW, text=text
        )
        for at, text in enumerate(chosen)
    ]


def enrich(
    annotator: Annotator, linker: Linker, clusters: Clusters, batch: Sequence[RawPost]
) -> list[EnrichedPost | Mention]:
    """A batch of posts made into records."""
    records: list[EnrichedPost | Mention] = []
    outcomes = annotator.annotate([_request(annotator, post) for post in batch])
    for at, (post, outcome) in enumerate(zip(batch, outcomes, strict=True)):
        if isinstance(outcome, Failed):
            sys.exit(f"a post could not be annotated: {outcome.detail}")
        origin = Origin(topic=RAW, partition=0, offset=at)
        cluster = clusters.assign(post.id, post.timeline, post.created_at, outcome.signals.fingerprint)
        outcome = in_cluster(outcome, cluster)
        outcome = linked(outcome, linker.link(post, outcome.entities, places(outcome)))
        standing = annotator.standing(post)
        post = marked(post, standing)
        records.append(enriched_post(post, outcome, origin, NOW, standing))
        records += mentions(post, outcome, origin, NOW, annotator.kinds, standing.spoken_by)
    return records


def _request(annotator: Annotator, post: RawPost) -> Request:
    return Request(post.text, addressed=tuple(annotator.addressed(post)), stars=whole_stars(post.rating))


def stage_of(annotator: Annotator) -> Callable[[Sequence[Incoming]], list[Outgoing]]:
    """The stage itself, from the bytes of the raw topic to those of its outputs."""
    sent: list[Outgoing] = []

    async def annotate(batch: Sequence[RawPost]) -> Sequence[Annotation | Failed]:
        return annotator.annotate([_request(annotator, post) for post in batch])

    async def emit(out: Sequence[Outgoing]) -> None:
        sent.extend(out)

    stage = Enrichment(
        annotate=annotate,
        emit=emit,
        kinds=annotator.kinds,
        standing=annotator.standing,
        linker=Linker(annotator.watched),
        mentions_partitions=4,
        clock=lambda: NOW,
        metrics=Metrics(),
        limit=StormLimit("enrichment", Metrics()),
    )

    def run(batch: Sequence[Incoming]) -> list[Outgoing]:
        sent.clear()
        asyncio.run(stage.enrich(batch))
        return list(sent)

    return run


def measure(work: Callable[[Any], list[Any]], items: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Posts per CPU second, CPU microseconds per post and part; and which models decided.

    Records are counted and let go batch by batch, as the stage does.
    """
    sampler = Sampler()
    deciders: dict[str, Counter[str]] = {"posts": Counter(), "mentions": Counter()}
    with sampler.running():
        started = time.process_time()
        for at in range(0, len(items), BATCH):
            for record in work(items[at : at + BATCH]):
                if isinstance(record, EnrichedPost | Mention):
                    deciders["posts" if isinstance(record, EnrichedPost) else "mentions"][record.model] += 1
        spent = time.process_time() - started
    seen = sum(sampler.seconds.values())
    parts = {name: round(s / seen * spent / len(items) * 1e6, 1) for name, s in sampler.seconds.most_common()}
    measured = {"posts_per_cpu_second": round(len(items) / spent), "us_per_post": parts}
    return measured, {kind: shares(counts) for kind, counts in deciders.items()}


def shares(counts: Counter[str]) -> dict[str, Any]:
    """How many records, and the share of each model."""
    total = counts.total()
    return {"records": total} | {name: round(count / total, 4) for name, count in counts.most_common()}


def peak_mb() -> float:
    """The process's largest resident size so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def report(model: str, tier: TierName, data: Path, number: int) -> dict[str, Any]:
    """Run all passes."""
    mix = posts(data, number)
    before = peak_mb()
    annotator = build_annotator(WATCHLIST, model, tier)
    settle()
    linker, clusters = Linker(annotator.watched), Clusters()
    first, second = mix[: number // 2], mix[number // 2 :]
    cold, _ = measure(lambda batch: enrich(annotator, linker, clusters, batch), first)
    steady, decided = measure(lambda batch: enrich(annotator, linker, clusters, batch), second)
    warm, _ = measure(lambda batch: enrich(annotator, linker, clusters, batch), second)
    encoded = [encode(post) for post in second]
    received = [Incoming(RAW, 0, at, item.value, item.headers, NOW) for at, item in enumerate(encoded)]
    stage, _ = measure(stage_of(annotator), received)
    return {
        "posts": number,
        "mean_chars": round(sum(len(post.text) for post in mix) / number, 1),
        "cold": cold,
        "steady": steady,
        "warm": warm,
        "stage": stage,
        "decided_by": decided,
        "rss_mb": {"before_models": before, "peak": peak_mb()},
    }


def _texts(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("open", "full"), default="full")
    parser.add_argument("--tier", choices=("fast", "strong", "cascade"), default="cascade")
    parser.add_argument("--posts", type=int, default=10_000)
    arguments = parser.parse_args()
    data = Path(os.environ.get("MOLVA_DATA") or ROOT.parent / "shared" / "data")
    if not data.is_dir():
        sys.exit(f"no data in {data}: set MOLVA_DATA to the folder with {GENERAL}")
    print(json.dumps(report(arguments.model, arguments.tier, data, arguments.posts), indent=2))


if __name__ == "__main__":
    main()
