"""A promise of a source about event time: the control record that travels in the data topics.

An agent that states ``watermark`` promises that every post that it publishes later to the same
partition is dated at or after it; a post that breaks the promise is late. Watermarks travel inside the raw
partitions and are forwarded, with their origin, to every partition of ``molva.mentions``. Detection
closes a bucket of a timeline when the watermarks of all its sources from all raw partitions have passed
it, so that the result does not depend on the number of workers or on who is faster.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from schemas.base import LIVE, Origin, Record, UtcDatetime


class Watermark(Record):
    """``partitions`` is the number of raw partitions that the source states its watermarks to."""

    TYPE: ClassVar[str] = "watermark"

    timeline: str = LIVE
    agent: str
    """Which agent promises, e.g. ``rss`` or ``replay:tweets.jsonl``."""
    watermark: UtcDatetime
    final: bool = False
    """True where the agent has ended: it publishes nothing more on this timeline."""
    partitions: int = Field(ge=1)
    origin: Origin | None = None
    """The raw record of a forwarded watermark; None in the raw topic itself."""

    @property
    def event_id(self) -> str:
        return f"{self.agent}@{self.watermark.isoformat()}" + (f"/{self.origin}" if self.origin else "")

    @property
    def event_source(self) -> str:
        return self.agent

    @property
    def event_time(self) -> datetime:
        return self.watermark

    @property
    def key(self) -> str:
        return self.agent
