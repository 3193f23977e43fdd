"""What was said of an object before it was watched: the record of ``molva.baselines``, read by detection.

``molva backfill`` counts past posts and publishes one; the object is then judged at once, not after a day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import ClassVar, Final, Self

from pydantic import Field, NonNegativeInt, model_validator

from schemas.base import LIVE, Part, Record, UtcDatetime
from schemas.mention import ObjectKind
from schemas.spike import Resolution

LENGTHS: Final[dict[Resolution, timedelta]] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
LONGEST: Final = timedelta(days=400)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BaselineCounts(Part):
    """Counts at one resolution: of every bucket from ``since`` to ``until``."""

    resolution: Resolution
    since: UtcDatetime
    """Start of the first bucket that was looked at."""
    until: UtcDatetime
    """End of the last one."""
    buckets: tuple[tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt], ...] = ()
    """``(bucket, negatives, mentions)`` in time order, buckets numbered from 0 at ``since``; those without
    a mention are left out."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        length = LENGTHS[self.resolution]
        if any((end - _EPOCH) % length for end in (self.since, self.until)):
            raise ValueError(f"since and until must be whole buckets of {self.resolution}")
        if not timedelta() < self.until - self.since <= LONGEST:
            raise ValueError(f"until must be after since, by at most {LONGEST.days} days")
        numbers = [number for number, _, _ in self.buckets]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise ValueError("buckets must be in time order, each once")
        if numbers and numbers[-1] >= (self.until - self.since) // length:
            raise ValueError("a bucket lies after until")
        if any(negatives > mentions for _, negatives, mentions in self.buckets):
            raise ValueError("a bucket has more negatives than mentions")
        return self


class Baseline(Record):
    """An object's past. The topic is compacted by object, so that a later one takes the place of it."""

    TYPE: ClassVar[str] = "baseline"

    object_id: str = Field(min_length=1)
    object_kind: ObjectKind
    timeline: str = LIVE
    at: UtcDatetime
    """When it was made; no bucket ends later."""
    counts: tuple[BaselineCounts, ...] = Field(min_length=1, max_length=len(LENGTHS))

    @model_validator(mode="after")
    def _is_of_the_past(self) -> Self:
        if len({series.resolution for series in self.counts}) < len(self.counts):
            raise ValueError("counts has a resolution twice")
        if any(series.until > self.at for series in self.counts):
            raise ValueError("counts end after the baseline was made")
        return self

    @property
    def event_id(self) -> str:
        return f"{self.object_id}@{self.timeline}@{self.at.isoformat()}"

    @property
    def event_source(self) -> str:
        return "molva-operator"

    @property
    def event_time(self) -> datetime:
        return self.at

    @property
    def key(self) -> str:
        return self.object_id
