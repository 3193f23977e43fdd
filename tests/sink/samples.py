"""Records for the tests of storage: deterministic, written for the project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pipeline import topics
from schemas import (
    Alert,
    AlertAction,
    Author,
    Channel,
    Deletion,
    Engagement,
    EnrichedPost,
    Entity,
    Media,
    Mention,
    Origin,
    RawPost,
    Record,
    Sentiment,
    Span,
    Spike,
    TopPost,
    TopSource,
    Watermark,
)
from schemas.alert import AlertSpike, Telling
from schemas.base import Label
from schemas.codec import encode

START = datetime(2014, 7, 28, 20, 0, tzinfo=UTC)
COLLECTED = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
FIRST = 492367586156630000
"""Native id of post 0."""
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")


class Stored(NamedTuple):
    """A record as a consumer would give it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def stored(record: Record, offset: int, *, topic: str | None = None, partition: int = 0) -> Stored:
    message = encode(record)
    name = (
        topic
        or {
            "enriched-post": topics.ENRICHED,
            "mention": topics.MENTIONS,
            "watermark": topics.MENTIONS,
            "spike": topics.SPIKES,
            "alert": topics.ALERTS,
            "alert-action": topics.ACTIONS,
            "deletion": topics.DELETED,
            "dead-letter": topics.DEAD_LETTERS,
        }[record.TYPE]
    )
    return Stored(name, partition, offset, 1_772_366_400_000 + offset, message.value, message.headers)


def sentiment(number: int) -> Sentiment:
    label = LABELS[number % 3]
    shares = {"negative": 0.1, "neutral": 0.2, "positive": 0.1, label: 0.7}
    rest = 1 - sum(shares.values())
    return Sentiment(label=label, **{**shares, label: 0.7 + rest})


def raw_post(number: int, *, created_at: datetime | None = None, text: str | None = None) -> RawPost:
    native = str(FIRST + number)
    return RawPost(
        id=f"twitter:{native}",
        source="twitter",
        native_id=native,
        url=f"https://example.org/{number}",
        channel=Channel(id="wall", name="Стена", kind="wall", followers=1000 + number)
        if number % 2
        else None,
        author=Author(id=f"a{number % 50}", name="Иван", handle=f"@a{number % 50}", followers=number)
        if number % 5
        else None,
        created_at=created_at or START + timedelta(minutes=7 * number),
        collected_at=COLLECTED,
        text=text or f"Сбербанк не отвечает уже {number} минут, Москва стоит",
        media=(Media(kind="photo", url="https://example.org/p.jpg", alt="чек"),) if number % 4 == 0 else (),
        engagement=Engagement(likes=number % 7, views=None),
        rating=4.5 if number % 9 == 0 else None,
        extras={"lang_hint": "ru", "nested": {"b": 1, "a": [1, 2]}} if number % 6 == 0 else {},
    )


def enriched(number: int, *, created_at: datetime | None = None, text: str | None = None) -> EnrichedPost:
    post = raw_post(number, created_at=created_at, text=text)
    return EnrichedPost(
        id=post.id,
        post=post,
        origin=Origin(topic=topics.RAW, partition=0, offset=number),
        language="ru",
        sentiment=sentiment(number),
        entities=(
            Entity(text="Сбербанк", normal="сбербанк", type="ORG", start=0, end=8),
            Entity(text="Москва", normal="москва", type="LOC", start=30, end=36),
        )[: 1 + number % 2],
        objects=("sberbank",),
        model="open",
        enriched_at=COLLECTED + timedelta(seconds=1),
    )


def mention(number: int, *, object_id: str = "sberbank", own: bool = False) -> Mention:
    post = raw_post(number)
    return Mention(
        id=f"{post.id}#{object_id}",
        post_id=post.id,
        object_id=object_id,
        object_kind="competitor" if object_id == "vtb" else "brand",
        origin=Origin(topic=topics.RAW, partition=0, offset=number),
        created_at=post.created_at,
        collected_at=post.collected_at,
        source=post.source,
        kind=post.kind,
        url=post.url,
        channel=post.channel,
        author=post.author,
        language="ru",
        excerpt=post.text[:280],
        engagement=post.engagement,
        spans=(Span(start=0, end=8, text="Сбербанк", alias="сбербанк", rule="alias"),),
        sentiment=sentiment(number),
        own=own,
        model="open",
        enriched_at=COLLECTED + timedelta(seconds=1),
    )


def watermark(number: int) -> Watermark:
    return Watermark(agent="replay:x", watermark=START + timedelta(minutes=number), partitions=1)


def spike(revision: int, *, object_id: str = "sberbank") -> Spike:
    ended = revision == 3
    return Spike(
        id=f"{object_id}/1h/{START.isoformat()}",
        revision=revision,
        status="resolved" if ended else "opened" if revision == 1 else "updated",
        object_id=object_id,
        object_kind="brand",
        resolution="1h",
        opened_at=START + timedelta(hours=1),
        started_at=START,
        updated_at=START + timedelta(hours=revision),
        resolved_at=START + timedelta(hours=revision) if ended else None,
        score=10.0 - revision,
        peak_score=9.0,
        negatives=20 * revision,
        expected_negatives=2.5,
        total=50 * revision,
        expected_total=20.0,
        authors=18,
        top_posts=(TopPost(post_id="twitter:1", excerpt="Не работает", followers=None, p_negative=0.9),),
        top_sources=(TopSource(source="twitter", negatives=20),),
    )


def alert(revision: int, *, object_id: str = "sberbank") -> Alert:
    of = spike(min(revision, 2), object_id=object_id)
    return Alert(
        id=of.id,
        revision=revision,
        event="opened" if revision == 1 else "updated",
        status="open",
        severity="warning",
        object_ids=(object_id,),
        spikes=(AlertSpike.model_validate(of.model_dump(include=set(AlertSpike.model_fields))),),
        opened_at=of.opened_at,
        started_at=of.started_at,
        updated_at=of.started_at + timedelta(hours=revision),
        at=COLLECTED + timedelta(minutes=revision),
        ru=Telling(title="Сбербанк", text="Не работает"),
        en=Telling(title="Sberbank", text="Does not work"),
    )


def action() -> AlertAction:
    """A maintenance window with every field set."""
    return AlertAction(
        id="a1",
        action="maintenance",
        target="*",
        since=START + timedelta(minutes=1),
        until=START + timedelta(hours=1),
        recurrence="weekly",
        timezone="Europe/Moscow",
        author="Мария",
        comment="обновление",
        at=START,
    )


def deletion(number: int) -> Deletion:
    return Deletion(
        id=f"twitter:{number}",
        source="twitter",
        native_id=str(number),
        deleted_at=START,
        collected_at=COLLECTED,
    )
