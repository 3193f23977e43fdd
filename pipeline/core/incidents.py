"""Spikes and decisions in, events of incidents out: `schemas.Alert` records, in the order of the topic.

Simultaneous spikes with a common cause are one incident: those of one object (its resolutions, signals and
slices), and those of several whose explanations share a group of near-duplicates or a name that stands out.
The notification stage (`pipeline.alerts.desk`) keeps the book in a changelog and publishes what comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pipeline.core.incident_events import Cause, Changes, Tell, begun, cause_of, decided, followed
from pipeline.core.silences import Silence, kept_quiet
from schemas.alert import Alert, Suppression
from schemas.alert_action import AlertAction
from schemas.spike import Spike

BEFORE = timedelta(hours=1)
"""A spike that was over so long before an incident began does not belong to it."""
KEEP = timedelta(days=14)
"""How long resolved incidents are remembered, and open ones of which nothing more is heard are waited for."""


class UnknownTarget(ValueError):
    """An action names an incident or a silence that is not there."""


class Incidents:
    """The book of incidents and silences; deterministic in the order of calls and the ``now`` of each.

    Args:
        tell: the texts of an incident.
        cooldown: a spike of the same object that opens so soon (event time) after an incident was resolved
            reopens it; people are told only if it lasts longer than that, or is worse than before.
    """

    def __init__(self, tell: Tell, cooldown: timedelta) -> None:
        self._tell = tell
        self._cooldown = cooldown
        self._alerts: dict[str, Alert] = {}
        self._of_spike: dict[str, str] = {}
        self.silences: dict[str, Silence] = {}

    def load(self, alerts: Iterable[Alert], silences: Iterable[Silence]) -> None:
        """Remember the last events of incidents, and silences, as they were saved."""
        for alert in sorted(alerts, key=lambda each: (each.opened_at, each.id)):
            self._remember(alert)
        self.silences |= {silence.id: silence for silence in silences}

    def __iter__(self) -> Iterator[Alert]:
        return iter(list(self._alerts.values()))

    def get(self, incident_id: str) -> Alert | None:
        """The last event of an incident."""
        return self._alerts.get(incident_id)

    def absorb(self, spike: Spike, now: datetime) -> Alert | None:
        """Take an event of a spike; None where it was known already (a redelivery, or an older revision)."""
        old = self._alerts.get(self._of_spike.get(spike.id, "")) or self._joinable(spike)
        if old is None:
            quiet = kept_quiet(self.silences.values(), (spike.object_id,), now)
            return self._remember(begun(spike, self._tell, self._cooldown, quiet, now))
        if any(each.id == spike.id and each.revision >= spike.revision for each in old.spikes):
            return None
        return self._change(old, now, followed(old, spike, self._tell, self._cooldown, now))

    def act(self, action: AlertAction, now: datetime) -> list[Alert]:
        """Carry out a person's decision; what it changes (an action that changes nothing: nothing).

        Raises:
            UnknownTarget: there is no such incident or silence.
        """
        if action.action == "cancel":
            if self.silences.pop(action.target, None) is None:
                raise UnknownTarget(f"there is no maintenance window or snooze {action.target!r}")
            return self._settle(now)
        incident = self._alerts.get(action.target)
        if incident is not None and action.action != "maintenance":
            changes = decided(incident, action)
            return [self._change(incident, now, changes)] if changes else []
        if action.action in ("snooze", "maintenance"):
            self.silences[action.id] = Silence(action=action)
        elif action.action == "unsnooze":
            self._wake(action.target)
        else:
            raise UnknownTarget(f"there is no incident {action.target!r}")
        return self._settle(now)

    def tick(self, now: datetime) -> list[Alert]:
        """What time alone changes: silences that begin and end, incidents of which nothing more is heard."""
        for silence in [each for each in self.silences.values() if each.over(now)]:
            del self.silences[silence.id]
        over: Changes = {"event": "expired", "status": "resolved"}
        expired = [
            self._change(alert, now, over | {"resolved_at": alert.updated_at})
            for alert in self
            if alert.status == "open" and now - (alert.heard_at or alert.at) > KEEP
        ]
        return expired + self._settle(now)

    def forget(self, now: datetime) -> list[str]:
        """Drop the incidents that were resolved long ago; their ids."""
        old = [alert for alert in self if alert.status == "resolved" and now - alert.at > KEEP]
        for alert in old:
            del self._alerts[alert.id]
            for spike in alert.spikes:
                del self._of_spike[spike.id]
        return [alert.id for alert in old]

    def _joinable(self, spike: Spike) -> Alert | None:
        cause = cause_of(spike)
        fitting = [
            alert
            for alert in self._alerts.values()
            if alert.timeline == spike.timeline and self._meets(alert, spike, cause)
        ]
        return min(fitting, key=lambda each: (each.opened_at, each.id), default=None)

    def _meets(self, alert: Alert, spike: Spike, cause: Cause) -> bool:
        same = spike.object_id in alert.object_ids
        if alert.status == "resolved":
            resolved_at = alert.resolved_at or alert.updated_at
            return same and alert.opened_at <= spike.opened_at <= resolved_at + self._cooldown
        if spike.updated_at < alert.started_at - BEFORE:
            return False
        return same or cause.shared_with(alert)

    def _wake(self, target: str) -> None:
        snoozes = [
            silence
            for silence in self.silences.values()
            if silence.action.action == "snooze" and silence.action.target == target
        ]
        if not snoozes:
            raise UnknownTarget(f"neither an incident nor an object {target!r} is snoozed")
        for silence in snoozes:
            del self.silences[silence.id]

    def _settle(self, now: datetime) -> list[Alert]:
        """Bring every open incident's suppression up to date."""
        changed = []
        for alert in self:
            if alert.status == "open" and (quiet := self._quiet(alert, now)) != alert.suppressed_by:
                changed.append(self._change(alert, now, {"event": "suppressed" if quiet else "resumed"}))
        return changed

    def _quiet(self, alert: Alert, now: datetime) -> Suppression:
        held = kept_quiet(self.silences.values(), alert.object_ids, now)
        if held == "maintenance":
            return held
        if held == "snooze" or (alert.snoozed_until is not None and now < alert.snoozed_until):
            return "snooze"
        cooling = alert.cooldown_until is not None and now < alert.cooldown_until
        return "cooldown" if cooling and alert.status == "open" else ""

    def _change(self, alert: Alert, now: datetime, changes: Changes) -> Alert:
        by_itself = changes["event"] in ("suppressed", "resumed")
        heard = alert.heard_at or alert.at if by_itself else now
        told: Changes = {"revision": alert.revision + 1, "at": now, "heard_at": heard}
        new = alert.model_copy(update=changes | told)
        return self._remember(new.model_copy(update={"suppressed_by": self._quiet(new, now)}))

    def _remember(self, alert: Alert) -> Alert:
        self._alerts[alert.id] = alert
        self._of_spike |= {spike.id: alert.id for spike in alert.spikes}
        return alert
