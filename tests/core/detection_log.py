"""Builds logs for the detection tests: raw partitions of posts and watermarks, and ways to read them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from pipeline.core.detection import PartitionDetector
from pipeline.core.parameters import parameters
from schemas import Author, Mention, Origin, Sentiment, Spike, Watermark
from schemas.signals import Aspect, MentionSignals

START = datetime(2014, 7, 28, tzinfo=UTC)
IDLE = timedelta(minutes=10)
FIRST = -8 * 60
"""Minutes from `START` to the beginning of a random log."""
QUICK = {
    "5m": parameters("5m", warm_up=12, volume_warm_up=24, dormant=60),
    "1h": parameters("1h", warm_up=3, volume_warm_up=6, dormant=48),
    "1d": parameters("1d", warm_up=1, volume_warm_up=2, dormant=3),
}
"""An hour, three, a day of warm-up; five hours, two days, three days of memory."""

Item = tuple[Mention | Watermark, datetime]
"""A record of the mentions, and the Kafka timestamp of its raw record."""
RawLog = list[list[Item]]
"""Raw partition -> its records as enrichment forwards them; several mentions of one post share an offset."""


def mention(minute: float, offset: int = 0, raw: int = 0, post: str = "", **fields: object) -> Mention:
    """A mention dated ``minute`` minutes after `START`; negative unless ``label`` says otherwise."""
    label = str(fields.pop("label", "negative"))
    p = {"negative": (0.8, 0.1, 0.1), "neutral": (0.1, 0.8, 0.1), "positive": (0.1, 0.1, 0.8)}[label]
    post = post or f"vk:{raw}-{offset}"
    created = START + timedelta(minutes=minute)
    object_id = str(fields.pop("object_id", "acme"))
    sentiment = Sentiment.model_validate(
        {"label": label, "negative": p[0], "neutral": p[1], "positive": p[2]}
    )
    values = {
        "id": f"{post}#{object_id}",
        "post_id": post,
        "object_id": object_id,
        "object_kind": "brand",
        "origin": Origin(topic="molva.posts.raw", partition=raw, offset=offset),
        "created_at": created,
        "collected_at": created,
        "source": "vk",
        "kind": "post",
        "language": "ru",
        "excerpt": f"words of {post}",
        "author": Author(id=f"a{crc32(post.encode()) % 50}"),
        "sentiment": sentiment,
        "model": "m",
        "enriched_at": created,
    }
    return Mention.model_validate(values | fields)


def watermark(minute: float, offset: int = 0, raw: int = 0, **fields: object) -> Watermark:
    """A watermark of agent ``rss`` at ``minute`` minutes after `START`."""
    values = {
        "agent": "rss",
        "watermark": START + timedelta(minutes=minute),
        "partitions": 1,
        "origin": Origin(topic="molva.posts.raw", partition=raw, offset=offset),
    }
    return Watermark.model_validate(values | fields)


@dataclass(frozen=True)
class Shape:
    """How a random log looks."""

    seed: int
    partitions: int
    agents: int
    objects: int
    hours: int = 32
    """From eight hours before midnight on."""


def random_log(shape: Shape) -> RawLog:
    """Posts with bursts, late posts, posts sent twice, agents that stall or join late, final watermarks."""
    rng = random.Random(shape.seed)
    log: RawLog = [[] for _ in range(shape.partitions)]
    burst = rng.uniform(5, shape.hours - 1)
    stalled = rng.random() < 0.3
    posts: list[str] = []
    for minute in range(shape.hours * 60):
        raging = burst <= minute / 60 < burst + 0.7
        now = START + timedelta(days=1, minutes=minute)
        while rng.random() < (0.67 if raging else 0.06):
            _publish(log, shape, rng, posts, minute, raging, now)
        if minute % 7 == 0:
            for agent in range(shape.agents):
                behind = 120 if agent == 2 else 5
                absent = (agent == 1 and stalled and minute > 300) or (agent == 2 and minute < 400)
                if not absent:
                    _state(log, FIRST + minute - behind, now, f"agent{agent}", final=False)
    for agent in range(shape.agents):
        _state(log, FIRST + shape.hours * 60, START + timedelta(days=3), f"agent{agent}", final=True)
    return log


def _publish(
    log: RawLog, shape: Shape, rng: random.Random, posts: list[str], minute: int, raging: bool, now: datetime
) -> None:
    """A post, new or sent again, late now and then, with mentions of some objects."""
    fresh = not posts or rng.random() < 0.95
    post = f"vk:{len(posts)}" if fresh else rng.choice(posts)
    posts.append(post)
    raw = crc32(post.encode()) % shape.partitions
    late = rng.random() < 0.15
    dated = FIRST + minute - rng.uniform(0, rng.choice((15, 200, 1800)) if late else 4)
    fields: dict[str, object] = {
        "label": "negative" if raging or rng.random() < 0.3 else "neutral",
        "source": "vk" if raging or rng.random() < 0.5 else "ok",
        "region": rng.choice(("", "Самара", "Томск")),
        "signals": MentionSignals(aspects=(Aspect(name="app", p=0.9),) if rng.random() < 0.5 else ()),
    }
    offset = len(log[raw])
    for number in rng.sample(range(shape.objects), rng.randint(1, shape.objects)):
        log[raw].append((mention(dated, offset, raw, post, object_id=f"o{number}", **fields), now))


def _state(log: RawLog, minute: float, now: datetime, agent: str, final: bool) -> None:
    for raw, items in enumerate(log):
        record = watermark(minute, len(items), raw, agent=agent, final=final, partitions=len(log))
        items.append((record, now))


def spread(log: RawLog, partitions: int, rng: random.Random) -> list[list[Item]]:
    """Mentions partitions as enrichment could have written them.

    Raw partitions interleave differently in each mentions partition, and a crash of enrichment repeats
    some records of a raw partition.
    """
    written = [[*items] for items in log]
    for items in written:
        crash = rng.randrange(len(items))
        back = rng.randrange(crash + 1)
        items[crash:crash] = items[back:crash]
    return [_interleave(written, partitions, number, rng) for number in range(partitions)]


def _interleave(written: RawLog, partitions: int, number: int, rng: random.Random) -> list[Item]:
    queues = [
        [item for item in items if isinstance(item[0], Watermark) or _home(item[0], partitions) == number]
        for items in written
    ]
    merged: list[Item] = []
    while any(queues):
        queue = rng.choice([queue for queue in queues if queue])
        run = rng.randint(1, 1 + rng.choice((1, 20, 400)))
        merged += queue[:run]
        del queue[:run]
    return merged


def _home(record: Mention | Watermark, partitions: int) -> int:
    return crc32(record.key.encode()) % partitions


def detector(partition: int = 0, cluster: str = "c1", **options: Any) -> PartitionDetector:
    """A detector with a short warm-up."""
    return PartitionDetector(partition, cluster, source_idle=IDLE, parameters=QUICK, **options)


def feed(subject: PartitionDetector, items: Iterable[Item]) -> list[Spike]:
    """Give records to a detector; the events in the order of emission."""
    events = []
    for record, timestamp in items:
        if isinstance(record, Watermark):
            events += subject.advance(record, timestamp)
        else:
            subject.absorb(record)
    return events


def feed_with_crashes(
    number: int, items: list[Item], rng: random.Random, emit: Callable[[Spike], None], **options: Any
) -> None:
    """Like the stage does: send spikes, write states, acknowledge; crash anywhere in between, and resume."""
    table: dict[str, bytes] = {}
    acknowledged, crashes = 0, rng.randint(0, 6)
    while True:
        subject = detector(number, **options)
        subject.load(table.items())
        position = acknowledged
        crash_at = rng.randint(position, len(items)) if crashes else None
        crashes -= 1
        while position < len(items) and position != crash_at:
            step = items[position : position + rng.randint(1, 60)]
            position += len(step)
            for spike in feed(subject, step):
                emit(spike)
            states = subject.changed()
            if crashes >= 0 and rng.random() < 0.05:
                table.update(states[: rng.randint(0, len(states))])
                break
            table.update(states)
            acknowledged = position
        if acknowledged == len(items):
            return
