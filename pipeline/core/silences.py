"""When people want to hear nothing: snoozed objects and maintenance windows, for `core.incidents`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.alert import Suppression
from schemas.alert_action import EVERYTHING, AlertAction
from schemas.base import Part

PERIODS = {"": None, "daily": timedelta(days=1), "weekly": timedelta(days=7)}


class Silence(Part):
    """A snooze of an object or a maintenance window: the action that asked for it."""

    action: AlertAction

    @property
    def id(self) -> str:
        """The id by which it is cancelled."""
        return self.action.id

    @property
    def begins(self) -> datetime:
        """Start of its first window."""
        return self.action.since or self.action.at

    @property
    def ends(self) -> datetime:
        """End of its first window."""
        assert self.action.until is not None  # an action without it is no valid record
        return self.action.until

    def holds(self, now: datetime) -> bool:
        """Whether ``now`` lies in one of its windows, [begin, end).

        A recurring window keeps its wall-clock times over changes to and from summer time.
        """
        period = PERIODS[self.action.recurrence]
        if period is None:
            return self.begins <= now < self.ends
        if now < self.begins:
            return False
        zone = ZoneInfo(self.action.timezone)
        first, last, here = (
            moment.astimezone(zone).replace(tzinfo=None) for moment in (self.begins, self.ends, now)
        )
        return (here - first) % period < last - first

    def over(self, now: datetime) -> bool:
        """Whether it will never hold again."""
        return not self.action.recurrence and now >= self.ends

    def covers(self, object_id: str) -> bool:
        """Whether it is about the object."""
        return self.action.target in (EVERYTHING, object_id)


def kept_quiet(silences: Iterable[Silence], object_ids: Collection[str], now: datetime) -> Suppression:
    """Which kind of silence holds for all of the objects; maintenance before a snooze.

    An incident of two objects is told while one of them is not silenced.
    """
    holding = [silence for silence in silences if silence.holds(now)]
    if not all(any(silence.covers(each) for silence in holding) for each in object_ids):
        return ""
    kinds = {silence.action.action for silence in holding for each in object_ids if silence.covers(each)}
    return "maintenance" if "maintenance" in kinds else "snooze"
