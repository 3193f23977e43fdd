"""Which receivers an event of an incident goes to: the routes of alerts.yaml, and what each has heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.alerts.configuration import AlertmanagerConfig, AnyReceiver, Configuration, Route
from pipeline.core.incident_events import RANKS
from schemas.alert import Alert

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Told = Literal["open", "withdrawn", "resolved", "lost"]
"""What a receiver was last told of an incident; lost: it was to hear of it, and did not."""


class Step(NamedTuple):
    """A receiver that has to be told now, and what it will then have been told."""

    receiver: str
    told: Told


class Routing:
    """The routes, ready to be asked."""

    def __init__(self, configuration: Configuration) -> None:
        self._receivers: tuple[AnyReceiver, ...] = configuration.receivers
        self._zone = configuration.timezone
        everyone = tuple(receiver.name for receiver in configuration.receivers)
        self._routes = configuration.routes or ((Route(receivers=everyone),) if everyone else ())

    def steps(self, alert: Alert, told: Mapping[str, Told], now: datetime) -> list[Step]:
        """Who is to be told of this event.

        Args:
            told: by receiver, what it was told of the incident before.
        """
        asked = {
            name for route in self._routes if self._matches(route, alert, now) for name in route.receivers
        }
        steps = []
        for receiver in self._receivers:
            step = _step(receiver, alert, told.get(receiver.name), receiver.name in asked)
            if step is not None:
                steps.append(Step(receiver.name, step))
        return steps

    def waiting(self, alert: Alert, told: Mapping[str, Told], now: datetime) -> list[Step]:
        """Whom time has made ready to hear of an open incident for the first time: their hours have begun."""
        untold = [step for step in self.steps(alert, told, now) if told.get(step.receiver) != "open"]
        # who refuses is not asked every second
        return [step for step in untold if told.get(step.receiver) != "lost"]

    def reminds(self, receiver: str) -> bool:
        """Whether a receiver is told again and again of all that is open, whatever it did not take."""
        return any(each.name == receiver and isinstance(each, AlertmanagerConfig) for each in self._receivers)

    def _matches(self, route: Route, alert: Alert, now: datetime) -> bool:
        spikes = alert.spikes
        return (
            any(fnmatchcase(each, pattern) for each in alert.object_ids for pattern in route.objects)
            and (not route.kinds or any(each.object_kind in route.kinds for each in spikes))
            and (not route.signals or any(each.signal in route.signals for each in spikes))
            and (not route.resolutions or any(each.resolution in route.resolutions for each in spikes))
            and RANKS[alert.severity] >= RANKS[route.severity]
            and any(fnmatchcase(alert.timeline, pattern) for pattern in route.timelines)
            and _in_hours(route, now.astimezone(ZoneInfo(route.timezone or self._zone)))
        )


def _step(receiver: AnyReceiver, alert: Alert, told: Told | None, asked: bool) -> Told | None:
    """What to tell one receiver: nothing (None), that it is open, over, or to be quiet about it."""
    knows_all = isinstance(receiver, AlertmanagerConfig)
    if alert.status == "resolved":
        # it ends for those, and only those, who have heard of it
        wanted = knows_all or {alert.event, "resolved"} & {*receiver.events}
        return "resolved" if told == "open" and wanted else None
    if alert.suppressed_by:
        return "withdrawn" if knows_all and told == "open" else None
    if told != "open":
        return "open" if asked and not alert.acknowledged_by else None
    if knows_all:
        return "open"
    quiet = alert.acknowledged_by and alert.event in ("updated", "joined")
    return "open" if alert.event in receiver.events and not quiet else None


def _in_hours(route: Route, local: datetime) -> bool:
    """Whether the route holds now; hours over midnight belong to the day on which they begin."""
    day = local
    if route.hours is not None:
        begin, end = route.hours
        now = local.time()
        if begin <= end:
            if not begin <= now < end:
                return False
        elif now < end:
            day = local - timedelta(days=1)
        elif now < begin:
            return False
    return not route.days or DAYS[day.weekday()] in route.days
