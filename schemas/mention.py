"""One post about one watchlist object: the record of ``molva.mentions``."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import LIVE, Origin, Part, Record, Sentiment, UtcDatetime
from schemas.post import MAX_REVISION, Author, Channel, Engagement, PostKind, version_id
from schemas.signals import MentionSignals

ObjectKind = Literal["brand", "person", "product", "topic", "competitor"]

EXCERPT_CHARS = 280


class Span(Part):
    """Where and why an object was matched; offsets count characters of the post's ``text``."""

    start: int
    end: int
    text: str
    alias: str
    """The alias of the watchlist that matched."""
    rule: str
    """How it matched: ``alias``, ``hashtag``, ``handle``, ..."""


class Mention(Record):
    """One version of a post about one object; the Kafka key is the object's id.

    ``id`` is ``<post id>#<object id>``, the same for all versions: who counts, counts it once.
    """

    TYPE: ClassVar[str] = "mention"

    id: str
    post_id: str
    object_id: str
    object_kind: ObjectKind
    timeline: str = LIVE
    revision: int = Field(default=0, ge=0, le=MAX_REVISION)
    """That of the post: 0 as first published, else the moment of the edit in Unix milliseconds."""
    origin: Origin
    created_at: UtcDatetime
    collected_at: UtcDatetime
    source: str
    kind: PostKind
    url: str = ""
    channel: Channel | None = None
    author: Author | None = None
    language: str
    excerpt: str
    """The first 280 characters of the cleaned text: no addresses, control or invisible characters."""
    reply_to: str | None = None
    engagement: Engagement = Engagement()
    spans: tuple[Span, ...] = ()
    sentiment: Sentiment
    """Toward the object."""
    own: bool = False
    """True where the object itself speaks (one of its own accounts is the author)."""
    model: str
    signals: MentionSignals = MentionSignals()
    """Those of the post that concern what it says of the object."""
    names: tuple[str, ...] = ()
    """Who and what else the post names, without the object itself: the linked names of its entities."""
    region: str = ""
    """Where it is said, as far as the source tells; empty: unknown."""
    enriched_at: UtcDatetime

    @property
    def event_id(self) -> str:
        return version_id(self.id, self.revision)

    @property
    def event_source(self) -> str:
        return "molva-enrichment"

    @property
    def event_time(self) -> datetime:
        return self.created_at

    @property
    def key(self) -> str:
        return self.object_id
