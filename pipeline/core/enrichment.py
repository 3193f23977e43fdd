"""A raw post and what the models said of it, made into the records of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.text import clean
from schemas import EnrichedPost, Entity, Mention, Origin, RawPost, Sentiment, Span
from schemas.mention import EXCERPT_CHARS, ObjectKind

MAX_ENTITIES = 500
MAX_SPANS = 50


@dataclass(frozen=True)
class ObjectMention:
    """One watchlist object in a text; ``spans`` may be empty (a reply to the object's own post)."""

    object_id: str
    spans: tuple[Span, ...]
    sentiment: Sentiment


@dataclass(frozen=True)
class Annotation:
    """What the language models said of one text; ``model`` names the sentiment model that decided."""

    language: str
    sentiment: Sentiment
    entities: tuple[Entity, ...]
    mentions: tuple[ObjectMention, ...]
    model: str


@dataclass(frozen=True)
class Failed:
    """The language models raised on this text; ``detail`` says what, for its dead letter."""

    detail: str


def enriched_post(post: RawPost, annotation: Annotation, origin: Origin, now: datetime) -> EnrichedPost:
    """The record of ``molva.posts.enriched``; at most 500 entities of a long text are kept."""
    return EnrichedPost(
        id=post.id,
        post=post,
        origin=origin,
        language=annotation.language,
        sentiment=annotation.sentiment,
        entities=annotation.entities[:MAX_ENTITIES],
        objects=tuple(mention.object_id for mention in annotation.mentions),
        model=annotation.model,
        enriched_at=now,
    )


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
    excerpt = clean(post.text).text[:EXCERPT_CHARS]
    return [
        Mention(
            id=f"{post.id}#{found.object_id}",
            post_id=post.id,
            object_id=found.object_id,
            object_kind=kinds[found.object_id],
            timeline=post.timeline,
            origin=origin,
            created_at=post.created_at,
            collected_at=post.collected_at,
            source=post.source,
            kind=post.kind,
            url=post.url,
            channel=post.channel,
            author=post.author,
            language=annotation.language,
            excerpt=excerpt,
            reply_to=post.reply_to,
            engagement=post.engagement,
            spans=found.spans[:MAX_SPANS],
            sentiment=found.sentiment,
            own=found.object_id in own,
            model=annotation.model,
            enriched_at=now,
        )
        for found in annotation.mentions
    ]
