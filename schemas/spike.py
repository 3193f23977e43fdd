"""An episode of abnormal negativity of one object: the record of ``molva.spikes``, one per event."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import LIVE, Part, Record, UtcDatetime
from schemas.mention import ObjectKind

Resolution = Literal["5m", "1h"]
SpikeStatus = Literal["opened", "updated", "resolved"]


class TopPost(Part):
    """A post that shows what the spike is about."""

    post_id: str
    url: str = ""
    excerpt: str
    author: str = ""
    followers: int | None = None
    p_negative: float


class TopSource(Part):
    """Negative mentions of the spike by source."""

    source: str
    negatives: int


class Spike(Record):
    """One event of a spike's life. ``id`` never changes; ``revision`` counts its events from 1.

    A spike that rises again shortly after it was resolved goes on under its id: an ``updated`` may follow a
    ``resolved``. A spike is open while the event with its greatest revision is not ``resolved``.

    The counts cover the run: from the bucket in which the score last left zero to the current bucket.
    """

    TYPE: ClassVar[str] = "spike"

    id: str
    """``<object id>/<resolution>/<opening bucket>``, and ``/<timeline>`` where that is not live."""
    revision: int = Field(ge=1)
    status: SpikeStatus
    object_id: str
    object_kind: ObjectKind
    timeline: str = LIVE
    resolution: Resolution
    opened_at: UtcDatetime
    """End of the bucket that opened the spike: the first moment at which it could be known."""
    started_at: UtcDatetime
    """Start of the first bucket of the run."""
    updated_at: UtcDatetime
    """End of the bucket that this event is about."""
    resolved_at: UtcDatetime | None = None
    score: float
    peak_score: float
    negatives: int
    expected_negatives: float
    total: int
    expected_total: float
    authors: int
    """Unique authors of the run's negative mentions (posts without an author count one each)."""
    top_posts: tuple[TopPost, ...] = ()
    top_sources: tuple[TopSource, ...] = ()

    @property
    def event_id(self) -> str:
        return f"{self.id}#{self.revision}"

    @property
    def event_source(self) -> str:
        return "molva-detection"

    @property
    def event_time(self) -> datetime:
        return self.updated_at

    @property
    def key(self) -> str:
        return self.object_id
