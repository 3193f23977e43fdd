"""What a person decides about an alert: the record of ``molva.alerts.actions``, read by notification."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from schemas.base import Record, UtcDatetime

Action = Literal["acknowledge", "unacknowledge", "snooze", "unsnooze", "maintenance", "cancel"]
Recurrence = Literal["", "daily", "weekly"]

EVERYTHING = "*"
"""The target of a snooze or a maintenance window for all objects."""

LAST_YEAR = 9000
"""In it a window must end: the wall clocks of a zone have no year 10000."""


class AlertAction(Record):
    """One decision.

    ``target``: an incident's id (acknowledge, unacknowledge, snooze, unsnooze); an object's id or ``*``
    (snooze, unsnooze, maintenance); the id of a maintenance window, which is that of its action (cancel).
    """

    TYPE: ClassVar[str] = "alert-action"

    id: str = Field(min_length=1)
    action: Action
    target: str = Field(min_length=1)
    since: UtcDatetime | None = None
    """From when a maintenance window holds; None: from ``at``."""
    until: UtcDatetime | None = None
    """Until when a snooze or (the first time) a maintenance window holds."""
    recurrence: Recurrence = ""
    """How a maintenance window comes back, by the wall clocks of ``timezone``."""
    timezone: str = "UTC"
    author: str = ""
    comment: str = ""
    at: UtcDatetime

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown timezone {value!r}") from error
        return value

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.action in ("snooze", "maintenance"):
            if self.until is None:
                raise ValueError(f"a {self.action} needs `until`")
            if self.until <= (self.since or self.at):
                raise ValueError(f"a {self.action} must end after it begins")
            if self.until.year > LAST_YEAR:
                raise ValueError(f"a {self.action} must end before the year {LAST_YEAR + 1}")
        return self

    @property
    def event_id(self) -> str:
        return self.id

    @property
    def event_source(self) -> str:
        return "molva-operator"

    @property
    def event_time(self) -> datetime:
        return self.at

    @property
    def key(self) -> str:
        return self.target
