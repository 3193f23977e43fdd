"""The limits that ``molva bench pipeline`` compares with: the enrichment function alone, and bare inserts.

``python -m pipeline.bench.limit --data DIR --watchlist FILE --posts N`` runs the former in a process of its
own, so that its caches and memory are those of a fresh worker; it prints JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from clickhouse_driver import Client

from pipeline.bench.mix import Mix, read_mix
from pipeline.core.clusters import Clusters
from pipeline.core.enrichment import Failed, enriched_post, in_cluster, linked, mentions, places
from pipeline.core.linking import Linker
from pipeline.core.standing import marked
from pipeline.errors import MolvaError
from pipeline.garbage import settle
from pipeline.nlp.annotator import Annotator, Request, build_annotator
from pipeline.topics import RAW
from schemas import EnrichedPost, Mention, Origin, RawPost

BATCH = 256
TIMELINE = "bench:limit"
INSERT_ROWS = 10_000
INSERTS = 3


class Alone(NamedTuple):
    """The enrichment function in a loop: posts per second of CPU and of the wall clock."""

    posts: int
    posts_per_cpu_s: float
    posts_per_s: float


class Enricher:
    """Posts to records, without Kafka, decoding or encoding: what enrichment is for."""

    def __init__(self, annotator: Annotator) -> None:
        self._annotator = annotator
        self._linker, self._clusters = Linker(annotator.watched), Clusters()

    def enrich(self, posts: Sequence[RawPost], now: datetime) -> list[EnrichedPost | Mention]:
        """The records of a batch of posts.

        Raises:
            MolvaError: a post could not be annotated.
        """
        annotator = self._annotator
        requests = [Request(post.text, addressed=tuple(annotator.addressed(post))) for post in posts]
        records: list[EnrichedPost | Mention] = []
        for at, (post, outcome) in enumerate(zip(posts, annotator.annotate(requests), strict=True)):
            if isinstance(outcome, Failed):
                raise MolvaError(f"a post could not be annotated: {outcome.detail}")
            origin = Origin(topic=RAW, partition=0, offset=at)
            shown = outcome.signals.fingerprint
            outcome = in_cluster(
                outcome, self._clusters.assign(post.id, post.timeline, post.created_at, shown)
            )
            outcome = linked(outcome, self._linker.link(post, outcome.entities, places(outcome)))
            standing = annotator.standing(post)
            post = marked(post, standing)
            records.append(enriched_post(post, outcome, origin, now, standing))
            records += mentions(post, outcome, origin, now, annotator.kinds, standing.spoken_by)
        return records


def alone(mix: Mix, posts: int, annotator: Annotator) -> Alone:
    """Enrich ``posts`` posts of the mix in a loop."""
    enricher, now = Enricher(annotator), datetime.now(UTC)
    cpu, wall = 0.0, 0.0
    for at in range(0, posts, BATCH):
        batch = [mix.post(number, TIMELINE, now, now) for number in range(at, min(at + BATCH, posts))]
        started = time.process_time(), time.perf_counter()
        enricher.enrich(batch, now)
        cpu += time.process_time() - started[0]
        wall += time.perf_counter() - started[1]
    return Alone(posts, round(posts / cpu, 1), round(posts / wall, 1))


def bare_insert(client: Client, cpu_s: Callable[[], float]) -> dict[str, float]:
    """Insert stored posts into a copy of ``posts`` without views: nothing but the insert.

    Args:
        cpu_s: CPU seconds of ClickHouse and of this process so far.

    Returns:
        Rows per second of the wall clock and of CPU.
    """
    values, named = client.execute(
        f"SELECT * FROM posts LIMIT {INSERT_ROWS}", columnar=True, with_column_types=True
    )
    listed = ", ".join(f"`{name}`" for name, _ in named)
    client.execute("CREATE TABLE bench_posts AS posts")
    try:
        started = cpu_s(), time.perf_counter()
        for _ in range(INSERTS):
            client.execute(f"INSERT INTO bench_posts ({listed}) VALUES", values, columnar=True)
        cpu, wall = cpu_s() - started[0], time.perf_counter() - started[1]
    finally:
        client.execute("DROP TABLE bench_posts")
    rows = INSERTS * len(values[0])
    return {"rows_per_s": round(rows / wall, 1), "rows_per_cpu_s": round(rows / cpu, 1)}


def main() -> None:
    """Measure in this process and print JSON."""
    parser = argparse.ArgumentParser(description="The enrichment function alone, in a loop.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--posts", type=int, required=True)
    arguments = parser.parse_args()
    mix = read_mix(arguments.data, arguments.watchlist)
    annotator = build_annotator(arguments.watchlist, "full")
    settle()
    found: dict[str, Any] = alone(mix, arguments.posts, annotator)._asdict()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
