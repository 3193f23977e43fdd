"""A raw post, as an agent collected it: the record of ``molva.posts.raw``."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from schemas.base import LIVE, Part, Record, UtcDatetime

MAX_TEXT_CHARS = 100_000
MAX_EXTRAS_BYTES = 16_384
EARLIEST = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""Older than social media: a post dated before it has a broken clock, not a history."""
CLOCK_SKEW = timedelta(days=1)
"""A post may be dated at most this much later than it was collected."""

MAX_REVISION = 2**53 - 1
"""The largest integer that every JSON reader takes exactly; in milliseconds it lies beyond all dates."""

PostKind = Literal["post", "comment", "review", "repost"]


def version_id(record_id: str, revision: int) -> str:
    """The id of one version of a post or mention: ``id`` as first published, ``id@revision`` edited."""
    return f"{record_id}@{revision}" if revision else record_id


class Channel(Part):
    """Where a post stands: a wall, a group, a feed, a chat."""

    id: str
    name: str = ""
    handle: str = ""
    """Its short name in addresses, without ``@``, where it has one."""
    kind: str = ""
    followers: int | None = Field(default=None, ge=0)
    own: bool = False
    """True for the watched company's own community."""


class Author(Part):
    """Who wrote a post, as far as the source tells."""

    id: str
    name: str = ""
    handle: str = ""
    followers: int | None = Field(default=None, ge=0)
    verified: bool = False
    created_at: UtcDatetime | None = None
    bio: str = ""
    own: bool = False
    """True where the watched company itself writes, from one of its own accounts."""


class Media(Part):
    """A picture, video or other attachment; ``alt`` is its description by the author."""

    kind: str
    url: str = ""
    alt: str = ""


class Engagement(Part):
    """Counts at the time of collection; None where the source does not tell."""

    likes: int | None = Field(default=None, ge=0)
    reposts: int | None = Field(default=None, ge=0)
    comments: int | None = Field(default=None, ge=0)
    views: int | None = Field(default=None, ge=0)


class RawPost(Record):
    """One version of a public message.

    ``id`` is ``<source>:<native_id>``, the same for all versions; ``revision`` tells them apart. All of them
    have the ``created_at`` of the first. Fields unknown here are kept in ``extras``.
    """

    TYPE: ClassVar[str] = "post"

    id: str = Field(min_length=3, max_length=512)
    source: str = Field(min_length=1, max_length=128, pattern=r"^[^:\s\x00]+$")
    native_id: str = Field(min_length=1, max_length=383)
    kind: PostKind = "post"
    url: str = Field(default="", max_length=4096)
    channel: Channel | None = None
    author: Author | None = None
    created_at: UtcDatetime
    collected_at: UtcDatetime
    text: str = Field(default="", max_length=MAX_TEXT_CHARS)
    language: str | None = Field(default=None, max_length=16)
    """A hint of the source, not the detected language."""
    reply_to: str | None = None
    thread_root: str | None = None
    repost_of: str | None = None
    media: tuple[Media, ...] = Field(default=(), max_length=64)
    engagement: Engagement = Engagement()
    rating: float | None = Field(default=None, ge=0, le=5)
    """Stars of a review, 0 to 5."""
    timeline: str = Field(default=LIVE, min_length=1, max_length=256)
    revision: int = Field(default=0, ge=0, le=MAX_REVISION)
    """0: as first published. Else the moment of the edit in Unix milliseconds: a later one replaces it."""
    edited_at: UtcDatetime | None = None
    """When this version was made, as far as the source tells."""
    extras: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Any) -> Any:
        """Derive the id from source and native id (or the reverse) and move unknown fields to the extras."""
        if not isinstance(values, dict) or (values.keys() <= _FIELDS and values.keys() >= _IDENTITY):
            return values
        unknown = {name: value for name, value in values.items() if name not in _FIELDS}
        known = {name: value for name, value in values.items() if name in _FIELDS}
        if unknown and isinstance(known.get("extras", {}), dict):
            known["extras"] = {**unknown, **known.get("extras", {})}
        source, native = known.get("source"), known.get("native_id")
        if "id" not in known and source is not None and native is not None:
            known["id"] = f"{source}:{native}"
        elif "native_id" not in known and isinstance(known.get("id"), str) and isinstance(source, str):
            known["native_id"] = known["id"].removeprefix(f"{source}:")
        return known

    @field_validator("extras")
    @classmethod
    def _extras_are_bounded(cls, extras: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if not extras:
            return extras
        size = len(json.dumps(extras, ensure_ascii=False).encode())
        if size > MAX_EXTRAS_BYTES:
            raise ValueError(f"extras take {size} bytes, the limit is {MAX_EXTRAS_BYTES}")
        return extras

    @model_validator(mode="after")
    def _identity_and_time_hold(self) -> Self:
        if self.id != f"{self.source}:{self.native_id}":
            raise ValueError(f"id {self.id!r} is not <source>:<native_id>, {self.source}:{self.native_id}")
        if self.created_at < EARLIEST:
            raise ValueError(f"created_at {self.created_at:%Y-%m-%d} is before {EARLIEST:%Y-%m-%d}")
        if self.created_at > self.collected_at + CLOCK_SKEW:
            raise ValueError(f"created_at {self.created_at:%Y-%m-%d %H:%M} is later than its collection")
        return self

    @property
    def event_id(self) -> str:
        return version_id(self.id, self.revision)

    @property
    def event_source(self) -> str:
        return self.source

    @property
    def event_time(self) -> datetime:
        return self.created_at

    @property
    def key(self) -> str:
        return self.id


_FIELDS = frozenset(RawPost.model_fields)
_IDENTITY = frozenset(("id", "native_id"))
