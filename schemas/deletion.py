"""A post that was deleted at its source: the record of ``molva.posts.deleted``."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from pydantic import Field, model_validator

from schemas.base import LIVE, Record, UtcDatetime


class Deletion(Record):
    """``id`` is the id of the deleted post, ``<source>:<native_id>``: all its versions are gone.

    It may come before the post, and more than once; the first one counts.
    """

    TYPE: ClassVar[str] = "deletion"

    id: str = Field(min_length=3, max_length=512)
    source: str = Field(min_length=1, max_length=128)
    native_id: str = Field(min_length=1, max_length=383)
    deleted_at: UtcDatetime
    """When the source says that it was deleted, or else when the agent noticed."""
    collected_at: UtcDatetime
    timeline: str = LIVE

    @model_validator(mode="after")
    def _identity_holds(self) -> Self:
        if self.id != f"{self.source}:{self.native_id}":
            raise ValueError(f"id {self.id!r} is not <source>:<native_id>")
        return self

    @property
    def event_id(self) -> str:
        return f"{self.id}#deleted"

    @property
    def event_source(self) -> str:
        return self.source

    @property
    def event_time(self) -> datetime:
        return self.deleted_at

    @property
    def key(self) -> str:
        return self.id
