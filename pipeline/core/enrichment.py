"""A raw post and what the models said of it, made into the records of the contract."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pipeline.core.standing import Standing
from pipeline.core.text import clean
from schemas import EnrichedPost, Entity, Mention, Origin, RawPost, Sentiment, Span
from schemas.base import LIVE
from schemas.mention import EXCERPT_CHARS, ObjectKind
from schemas.signals import MentionSignals, Signals

MAX_ENTITIES = 500
MAX_SPANS = 50
MAX_NAMES = 16
MAX_REGION_CHARS = 128
_SHARED_SIGNALS = tuple(MentionSignals.model_fields)
REGION_KEYS = ("region", "city", "geo")
"""The extras in which agents and foreign producers put a place, as text; the first that has one counts."""


@dataclass(frozen=True)
class ObjectMention:
    """One watchlist object in a text; ``spans`` may be empty (a reply to the object's own post)."""

    object_id: str
    spans: tuple[Span, ...]
    sentiment: Sentiment
    model: str
    """Which sentiment model decided."""


class Annotation(NamedTuple):
    """What the language models said of one text; ``model`` names the model that decided on its sentiment."""

    language: str
    sentiment: Sentiment
    entities: tuple[Entity, ...]
    mentions: tuple[ObjectMention, ...]
    model: str
    signals: Signals = Signals()
    """Without the cluster, which depends on earlier posts; the stage adds it."""


@dataclass(frozen=True)
class Failed:
    """The language models raised on this text; ``detail`` says what, for its dead letter."""

    detail: str


def enriched_post(
    post: RawPost, annotation: Annotation, origin: Origin, now: datetime, standing: Standing
) -> EnrichedPost:
    """The record of ``molva.posts.enriched``; at most 500 entities of a long text are kept."""
    return EnrichedPost(
        id=post.id,
        post=post,
        origin=origin,
        language=annotation.language,
        sentiment=annotation.sentiment,
        entities=annotation.entities[:MAX_ENTITIES],
        objects=tuple(mention.object_id for mention in annotation.mentions),
        spoken_by=tuple(standing.spoken_by),
        community_of=tuple(standing.community_of),
        model=annotation.model,
        signals=annotation.signals,
        enriched_at=now,
    )


def whole_stars(rating: float | None) -> int | None:
    """The rating of a review, 0 to 5, in whole stars, 1 to 5."""
    return None if rating is None else min(5, max(1, math.floor(rating + 0.5)))


def hurried(posts: Sequence[RawPost], now: datetime, patience: timedelta) -> bool:
    """Whether a live post has waited longer than ``patience`` since its collection (0: never).

    Posts of a replay are never hurried: it gives the same answers however fast it is read.
    """
    waited = [now - post.collected_at for post in posts if post.timeline == LIVE]
    return bool(patience) and max(waited, default=timedelta(0)) > patience


def in_cluster(annotation: Annotation, cluster: str) -> Annotation:
    """The annotation with the cluster of its text."""
    language, sentiment, entities, found, model, signals = annotation
    signals = signals.model_copy(update={"cluster": cluster})
    return Annotation(language, sentiment, entities, found, model, signals)


def places(annotation: Annotation) -> dict[str, tuple[Span, ...]]:
    """Where the objects stand, by id."""
    return {mention.object_id: mention.spans for mention in annotation.mentions}


def linked(annotation: Annotation, entities: tuple[Entity, ...]) -> Annotation:
    """The annotation with its entities linked (`linking.Linker`)."""
    language, sentiment, _, found, model, signals = annotation
    return Annotation(language, sentiment, entities, found, model, signals)


def others(entities: Sequence[Entity], object_id: str) -> tuple[str, ...]:
    """Who and what else is named: the linked names, at most 16 different ones, without the object's own.

    An entity that is not linked counts with NER's normal form; names that differ only in case are one.
    """
    names: dict[str, str] = {}
    for entity in entities:
        name = " ".join((entity.name or entity.normal).split())
        if name and entity.object_id != object_id:
            names.setdefault(name.casefold(), name)
    return tuple(names.values())[:MAX_NAMES]


def region(post: RawPost) -> str:
    """Where the post was written, if its source says so in words (coordinates are none); else empty.

    Nothing is guessed from the text or the channel's name: a post about Samara may come from anywhere.
    """
    for key in REGION_KEYS:
        value = post.extras.get(key)
        if isinstance(value, str) and any(char.isalpha() for char in value):
            return clean(" ".join(value.split())).text[:MAX_REGION_CHARS]
    return ""


def mentions(
    post: RawPost,
    annotation: Annotation,
    origin: Origin,
    now: datetime,
    kinds: Mapping[str, ObjectKind],
    own: Sequence[str],
) -> list[Mention]:
    """The records of ``molva.mentions``: one per object.

    Args:
        kinds: the kind of each watchlist object, by id.
        own: objects whose own account wrote the post.
    """
    if not annotation.mentions:
        return []
    shared = _of_post(post, annotation, origin, now)
    return [
        Mention(
            id=f"{post.id}#{found.object_id}",
            object_id=found.object_id,
            object_kind=kinds[found.object_id],
            spans=found.spans[:MAX_SPANS],
            sentiment=found.sentiment,
            own=found.object_id in own,
            model=found.model,
            names=others(annotation.entities, found.object_id),
            **shared,
        )
        for found in annotation.mentions
    ]


def _of_post(post: RawPost, annotation: Annotation, origin: Origin, now: datetime) -> dict[str, Any]:
    """What all mentions of a post share."""
    signals = MentionSignals(**{name: getattr(annotation.signals, name) for name in _SHARED_SIGNALS})
    return {
        "post_id": post.id,
        "timeline": post.timeline,
        "revision": post.revision,
        "origin": origin,
        "created_at": post.created_at,
        "collected_at": post.collected_at,
        "source": post.source,
        "kind": post.kind,
        "url": post.url,
        "channel": post.channel,
        "author": post.author,
        "language": annotation.language,
        "excerpt": clean(post.text).text[:EXCERPT_CHARS],
        "reply_to": post.reply_to,
        "engagement": post.engagement,
        "signals": signals,
        "region": region(post),
        "enriched_at": now,
    }
