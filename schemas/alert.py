"""One event of an incident's life: the record of ``molva.alerts``, which people are told about.

An incident groups the spikes that have a common cause (`pipeline.core.incidents`); each event repeats the
whole incident, so that a reader needs no history.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import LIVE, Part, Record, UtcDatetime
from schemas.mention import ObjectKind
from schemas.spike import Dimension, Resolution, Severity, Signal, SpikeStatus

AlertStatus = Literal["open", "resolved"]
AlertEvent = Literal[
    "opened",
    "joined",  # another spike with the same cause belongs to it now
    "escalated",  # more severe than it has ever been
    "updated",
    "resolved",  # all its spikes are
    "reopened",
    "expired",  # nothing was heard of its spikes for 14 days: taken as resolved
    "acknowledged",
    "unacknowledged",
    "snoozed",
    "unsnoozed",
    "suppressed",  # maintenance or a snooze of its objects began
    "resumed",  # what kept it quiet is over, and it is still open
]
Suppression = Literal["", "snooze", "maintenance", "cooldown"]


class AlertSpike(Part):
    """A spike of the incident, as its last event told it; see `schemas.spike.Spike` for the fields."""

    id: str
    revision: int = Field(ge=1)
    status: SpikeStatus
    object_id: str
    object_kind: ObjectKind
    resolution: Resolution
    signal: Signal = "negativity"
    dimension: Dimension = ""
    value: str = ""
    severity: Severity = "warning"
    opened_at: UtcDatetime
    started_at: UtcDatetime
    updated_at: UtcDatetime
    resolved_at: UtcDatetime | None = None
    negatives: int = 0
    expected_negatives: float = 0.0
    total: int = 0
    authors: int = 0


class Telling(Part):
    """The incident in words, in one language: those of its leading spike."""

    title: str
    text: str


class Alert(Record):
    """``id`` is that of the incident's first spike and never changes; ``revision`` counts events from 1.

    The first of ``spikes`` opened the incident; ``object_ids`` are in the order of joining.
    """

    TYPE: ClassVar[str] = "alert"

    id: str
    revision: int = Field(ge=1)
    event: AlertEvent
    status: AlertStatus
    severity: Severity
    """The highest that it has had; it never falls."""
    earlier_severities: tuple[Severity, ...] = ()
    """Those that it had before it was escalated, in order."""
    object_ids: tuple[str, ...]
    timeline: str = LIVE
    spikes: tuple[AlertSpike, ...]
    clusters: tuple[str, ...] = ()
    """Groups of near-duplicates that its spikes speak of."""
    names: tuple[str, ...] = ()
    """Names that stand out in its spikes."""
    opened_at: UtcDatetime
    started_at: UtcDatetime
    updated_at: UtcDatetime
    """Event time of the newest event of its spikes."""
    resolved_at: UtcDatetime | None = None
    at: UtcDatetime
    """When this event happened, by the clock of the notification stage."""
    heard_at: UtcDatetime | None = None
    """When a spike or a person last changed it, by the same clock: silences that begin and end do not."""
    acknowledged_by: str = ""
    acknowledged_at: UtcDatetime | None = None
    snoozed_until: UtcDatetime | None = None
    cooldown_until: UtcDatetime | None = None
    """A spike that rises again before it, no more severe than before, keeps quiet until then."""
    suppressed_by: Suppression = ""
    """What keeps people from being told; empty: nothing."""
    comment: str = ""
    """Of the last action of a person."""
    ru: Telling
    en: Telling

    @property
    def lead(self) -> AlertSpike:
        """The spike that opened it."""
        return self.spikes[0]

    @property
    def event_id(self) -> str:
        return f"{self.id}#{self.revision}"

    @property
    def event_source(self) -> str:
        return "molva-notification"

    @property
    def event_time(self) -> datetime:
        return self.at

    @property
    def key(self) -> str:
        return self.id
