"""What the benchmark of storage stores: records of ``molva bench pipeline`` after the real enrichment."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pipeline.bench.limit import BATCH, Enricher
from pipeline.bench.mix import read_mix
from pipeline.garbage import settle
from pipeline.nlp.annotator import build_annotator
from pipeline.topics import ENRICHED, MENTIONS
from schemas import EnrichedPost
from schemas.codec import encode

WATCHLIST = Path(__file__).resolve().parent.parent / "examples" / "banks-and-operators.yaml"
PLACE = "bench:round00000"
"""The timeline of the kept records; the digits become those of the size, which makes fresh ids."""


class Stored(NamedTuple):
    """A record as storage's consumer gives it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    headers: Sequence[tuple[str, bytes]]


Made = list[tuple[bytes, list[bytes]]]
"""The value of each enriched post, and those of its mentions."""


def records(posts: int, data: Path, model: str) -> Made:
    """Enriched posts and their mentions, from the temporary folder if they are there: remove the file after
    a change to the records.
    """
    kept = Path(tempfile.gettempdir()) / f"molva-bench-storage-{model}-{posts}.json"
    if not kept.exists():
        made = _enrich(posts, data, model)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(
            json.dumps([(post.decode(), [each.decode() for each in about]) for post, about in made])
        )
        fresh.replace(kept)
    return [
        (post.encode(), [each.encode() for each in about]) for post, about in json.loads(kept.read_text())
    ]


def _enrich(posts: int, data: Path, model: str) -> Made:
    mix = read_mix(data, WATCHLIST)
    enricher = Enricher(build_annotator(WATCHLIST, model))
    settle()
    now = datetime.now(UTC)
    made: Made = []
    for start in range(0, posts, BATCH):
        batch = [mix.post(number, PLACE, now, now) for number in range(start, min(start + BATCH, posts))]
        for record in enricher.enrich(batch, now):
            value = encode(record).value
            if isinstance(record, EnrichedPost):
                made.append((value, []))
            else:
                made[-1][1].append(value)
    return made


def steps(made: Made, size: int) -> Iterator[tuple[list[Stored], list[Stored]]]:
    """What storage reads: ``size`` posts, and their mentions; the ids are new for each size."""
    fresh = [(PLACE, f"bench:round{size:05}"), (PLACE.replace(":", "-"), f"bench-round{size:05}")]

    def renamed(value: bytes) -> bytes:
        for old, new in fresh:
            value = value.replace(old.encode(), new.encode())
        return value

    def stored(topic: str, kind: str, lo: int, values: Sequence[bytes]) -> list[Stored]:
        header = [("ce_type", f"molva.{kind}.v1".encode())]
        return [Stored(topic, 0, lo + at, 0, renamed(value), header) for at, value in enumerate(values)]

    mentions = 0
    for start in range(0, len(made), size):
        part = made[start : start + size]
        about = [value for _, values in part for value in values]
        yield (
            stored(ENRICHED, "enriched-post", start, [value for value, _ in part]),
            stored(MENTIONS, "mention", mentions, about),
        )
        mentions += len(about)
