"""The story as the detector would see it after a perfect (or a careless) enrichment."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args

from pipeline.core.detection import PartitionDetector
from pipeline.demo.story import END, Written
from schemas import Mention, Origin, RawPost, Sentiment, Spike, Watermark
from schemas.base import Label
from schemas.mention import ObjectKind

KINDS: dict[str, ObjectKind] = {
    "rassvet": "brand",
    "rassvet-online": "product",
    "zarya": "product",
    "ladogin": "person",
    "fees": "topic",
    "sevkap": "competitor",
    "polus": "competitor",
}
LABELS: tuple[Label, ...] = get_args(Label)


def posts(story: list[Written]) -> Iterator[tuple[Written, RawPost]]:
    """Every row as ``molva replay`` publishes it."""
    for written in story:
        yield written, RawPost.model_validate({**written.row, "collected_at": END})


def spikes(story: list[Written], wrong: float = 0.0, seed: int = 0) -> list[Spike]:
    """Every spike event of the story; ``wrong`` is the share of mentions that get another label."""
    rng = random.Random(seed)
    detector = PartitionDetector(0, "test", source_idle=timedelta(minutes=10))
    events: list[Spike] = []
    stated = -1
    for offset, (written, post) in enumerate(posts(story)):
        if written.at.hour != stated:
            stated = written.at.hour
            events += detector.advance(_watermark(written.at, offset), END)
        for object_id, truth in written.truth.polarity.items():
            label = (
                truth if rng.random() >= wrong else rng.choice([other for other in LABELS if other != truth])
            )
            detector.absorb(
                _mention(post, object_id, label, written.truth.own and object_id == "rassvet", offset)
            )
    return events + detector.advance(_watermark(END, len(story), final=True), END)


def _watermark(at: datetime, offset: int, final: bool = False) -> Watermark:
    origin = Origin(topic="raw", partition=0, offset=offset)
    return Watermark(agent="replay:story", watermark=at, final=final, partitions=1, origin=origin)


def _mention(post: RawPost, object_id: str, label: Label, own: bool, offset: int) -> Mention:
    shares = {name: 0.9 if name == label else 0.05 for name in LABELS}
    return Mention(
        id=f"{post.id}#{object_id}",
        post_id=post.id,
        object_id=object_id,
        object_kind=KINDS[object_id],
        origin=Origin(topic="raw", partition=0, offset=offset),
        created_at=post.created_at,
        collected_at=post.collected_at,
        source=post.source,
        kind=post.kind,
        url=post.url,
        author=post.author,
        language="ru",
        excerpt=post.text[:280],
        sentiment=Sentiment(label=label, **shares),
        own=own,
        model="truth",
        enriched_at=END,
    )
