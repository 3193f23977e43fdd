"""The notification stage without Kafka: records and time in; events, rows of the journal and queue items out.

A row ``incident|<id>`` holds an incident and what each receiver was told of it, ``silence|<id>`` a snooze or
a maintenance window, ``outbox|<receiver>|<number>`` a notification on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from pipeline.alerts.outbox import PREFIX, Item, Outbox
from pipeline.alerts.receiver import Notification, Standing
from pipeline.alerts.routing import Routing, Step, Told
from pipeline.core.incidents import Incidents
from pipeline.core.silences import Silence
from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.base import LIVE, Part
from schemas.spike import Spike

INCIDENT, SILENCE = "incident|", "silence|"
REMEMBERED = timedelta(minutes=15)
"""How long an ended alert is part of reminders, as Prometheus does it."""


class Row(Part):
    """The state of one incident."""

    alert: Alert
    told: dict[str, Told] = Field(default_factory=dict)


class Changes(NamedTuple):
    """What a record or time brings: publish ``alerts``, write ``rows`` (None: delete), release ``items``."""

    alerts: list[Alert]
    rows: dict[str, bytes | None]
    items: list[Item]


class Desk:
    """Incidents, routing and outbox together.

    Args:
        patience: spike events that Kafka got longer ago are recorded, but nobody is told of them; whoever
            is to be told of an incident that is still open hears it from `tick`.
    """

    def __init__(self, incidents: Incidents, routing: Routing, outbox: Outbox, patience: timedelta) -> None:
        self._incidents = incidents
        self._routing = routing
        self._patience = patience
        self._told: dict[str, dict[str, Told]] = {}
        self._lost: set[str] = set()
        self.outbox = outbox

    def load(self, rows: Mapping[str, bytes]) -> list[Item]:
        """Take the rows of a journal; notifications of receivers that there are no more are given back."""
        incidents = [Row.model_validate_json(value) for _, value in _of(rows, INCIDENT)]
        silences = [Silence.model_validate_json(value) for _, value in _of(rows, SILENCE)]
        self._incidents.load([row.alert for row in incidents], silences)
        self._told = {row.alert.id: dict(row.told) for row in incidents}
        return self.outbox.load(dict(_of(rows, PREFIX)))

    def spike(self, spike: Spike, stated_at: datetime, now: datetime) -> Changes:
        """Take a record of ``molva.spikes`` that Kafka got at ``stated_at``."""
        alert = self._incidents.absorb(spike, now)
        stale = now - stated_at > self._patience
        return self._changes([alert] if alert else [], now, quiet=stale)

    def act(self, action: AlertAction, now: datetime) -> Changes:
        """Take a record of ``molva.alerts.actions``.

        Raises:
            UnknownTarget: it is about nothing that there is.
        """
        before = dict(self._incidents.silences)
        changes = self._changes(self._incidents.act(action, now), now)
        after = self._incidents.silences
        changes.rows.update({SILENCE + gone: None for gone in before.keys() - after.keys()})
        new = {SILENCE + name: after[name] for name in after.keys() - before.keys()}
        changes.rows.update({key: silence.model_dump_json().encode() for key, silence in new.items()})
        return changes

    def tick(self, now: datetime) -> Changes:
        """Let time pass; call it where no record waits, about once a second."""
        before = set(self._incidents.silences)
        changes = self._changes(self._incidents.tick(now), now)
        changes.rows.update({SILENCE + gone: None for gone in before - self._incidents.silences.keys()})
        while self._lost:
            if (alert := self._incidents.get(self._lost.pop())) is not None:
                changes.rows[INCIDENT + alert.id] = self._row(alert)
        for alert in self._incidents:
            if alert.status == "open":
                told = self._told.get(alert.id, {})
                self._queue(alert, self._routing.waiting(alert, told, now), now, changes)
        for incident_id in self._incidents.forget(now):
            self._told.pop(incident_id, None)
            changes.rows[INCIDENT + incident_id] = None
        return changes

    def lost(self, item: Item) -> None:
        """A notification was given up: who has not heard of the incident at all hears of its next event.

        The next `tick` writes it down. Where more of the incident waits for the receiver, that is the first.
        """
        name, incident_id = item.notification.receiver, item.notification.alert.id
        told = self._told.get(incident_id, {})
        if not item.notification.first or told.get(name) != "open" or self._routing.reminds(name):
            return
        if not self.outbox.begin_with_next(item):
            told[name] = "lost"
            self._lost.add(incident_id)

    def standing(self, receiver: str, now: datetime) -> list[Standing]:
        """What a receiver that must be reminded has to hold: all that fires and what has ended just now."""
        found = []
        for alert in self._incidents:
            told = self._told.get(alert.id, {}).get(receiver)
            if told == "open" or (told is not None and now - alert.at < REMEMBERED):
                found.append(Standing(alert, told == "open"))
        return found

    def open_by_severity(self) -> dict[str, int]:
        """How many incidents of the live timeline are open; those of replays are not today's."""
        counts = dict.fromkeys(("info", "warning", "critical"), 0)
        for alert in self._incidents:
            counts[alert.severity] += alert.status == "open" and alert.timeline == LIVE
        return counts

    def _changes(self, alerts: Iterable[Alert], now: datetime, *, quiet: bool = False) -> Changes:
        changes = Changes(list(alerts), {}, [])
        for alert in changes.alerts:
            told = self._told.setdefault(alert.id, {})
            self._queue(alert, [] if quiet else self._routing.steps(alert, told, now), now, changes)
            changes.rows[INCIDENT + alert.id] = self._row(alert)
        return changes

    def _queue(self, alert: Alert, steps: Iterable[Step], now: datetime, changes: Changes) -> None:
        for step in steps:
            told = self._told.setdefault(alert.id, {})
            first = step.told == "open" and told.get(step.receiver) in (None, "lost")
            told[step.receiver] = step.told
            notification = Notification(
                receiver=step.receiver,
                alert=alert,
                withdrawn=step.told == "withdrawn",
                first=first,
                queued_at=now,
            )
            item = self.outbox.add(notification)
            changes.items.append(item)
            changes.rows[item.key] = notification.model_dump_json().encode()
            changes.rows[INCIDENT + alert.id] = self._row(alert)

    def _row(self, alert: Alert) -> bytes:
        return Row(alert=alert, told=self._told.get(alert.id, {})).model_dump_json().encode()


def _of(rows: Mapping[str, bytes], prefix: str) -> list[tuple[str, bytes]]:
    return [(key, value) for key, value in sorted(rows.items()) if key.startswith(prefix)]
