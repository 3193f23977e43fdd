"""A post with what Molva understood of it: the record of ``molva.posts.enriched``."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from schemas.base import Origin, Part, Record, Sentiment, UtcDatetime
from schemas.post import RawPost, version_id
from schemas.signals import Signals

EntityType = Literal["PER", "ORG", "LOC"]


class Entity(Part):
    """A name that NER found; ``start`` and ``end`` are character offsets in the post's ``text``."""

    text: str
    normal: str
    """NER's normal form of ``text``: it depends on this text alone."""
    type: EntityType
    """As NER found it, or what the watchlist object is that it names."""
    start: int
    end: int
    name: str = ""
    """What it is linked to: a full name, an object's name; ``normal`` where nothing more is known. Empty:
    not linked."""
    object_id: str | None = None
    """The watchlist object that it names."""


class EnrichedPost(Record):
    """One version of a post (``post.revision``) and its enrichment; every version is enriched anew.

    ``id`` is the post's id; ``origin`` is the raw record. ``post`` is as the agent published it, but for
    ``author.own`` and ``channel.own``, which the watchlist's accounts may have set.
    """

    TYPE: ClassVar[str] = "enriched-post"

    id: str
    post: RawPost
    origin: Origin
    language: str
    """ISO 639-1, or ``und`` where the text does not tell."""
    sentiment: Sentiment
    entities: tuple[Entity, ...] = ()
    objects: tuple[str, ...] = ()
    """Ids of the watchlist objects that the post mentions, in order of appearance."""
    spoken_by: tuple[str, ...] = ()
    """Ids of the watchlist objects whose own account wrote the post."""
    community_of: tuple[str, ...] = ()
    """Ids of the watchlist objects in whose own community it stands."""
    model: str
    """Which sentiment model decided."""
    signals: Signals = Signals()
    enriched_at: UtcDatetime

    @property
    def event_id(self) -> str:
        return version_id(self.id, self.post.revision)

    @property
    def event_source(self) -> str:
        return "molva-enrichment"

    @property
    def event_time(self) -> datetime:
        return self.post.created_at

    @property
    def key(self) -> str:
        return self.id
