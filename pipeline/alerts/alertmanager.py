"""Alertmanager (API v2): incidents as alerts that fire while they are open.

Its rules decide what is written here. An alert *is* its labels, so they never change during an incident but
for ``severity``, which people route by: an escalated incident resolves the alert of its former severity in
the same request that fires the new one (group by ``incident`` and both are one notification). Alertmanager
forgets what it is not told again: every `every` seconds all firing alerts are sent, with an end ``hold``
ahead, so that neither its restart nor ours pages anyone a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from pipeline.alerts.http_call import client, post
from pipeline.alerts.receiver import Delivered, Notification, Outcome, Standing
from pipeline.alerts.wording import Composer
from schemas.alert import Alert
from schemas.spike import Severity

NAME = "MolvaSpike"
RUNBOOK = "docs/alerts.md#molvaspike"
BATCH = 100
"""Alerts per request of a reminder."""


class Alertmanager:
    """One Alertmanager, or one of a cluster (list each as a receiver of its own, as Prometheus does).

    Args:
        url: its address, with ``--web.route-prefix`` if it has one.
        every: seconds between reminders.
        hold: how long an alert goes on firing where no reminder comes; longer than a restart of ours takes.
    """

    def __init__(
        self,
        name: str,
        url: str,
        compose: Composer,
        clock: Callable[[], datetime],
        *,
        every: float = 60.0,
        hold: timedelta = timedelta(hours=1),
        timeout: float = 10.0,
        proxy: str | None = None,
    ) -> None:
        self.name = name
        self.every = every
        self._url = url.rstrip("/") + "/api/v2/alerts"
        self._compose = compose
        self._clock = clock
        self._hold = hold
        self._http: httpx.AsyncClient = client(timeout, proxy)

    async def send(self, notification: Notification) -> Outcome:
        """Fire it, change its annotations, or end it."""
        alert = notification.alert
        return await self._post(self._alerts(alert, alert.status == "open" and not notification.withdrawn))

    async def remind(self, standing: Sequence[Standing]) -> Outcome:
        """Tell it again what fires and what has ended lately: it may have been restarted since."""
        alerts = [each for item in standing for each in self._alerts(item.alert, item.firing)]
        for first in range(0, len(alerts), BATCH):
            outcome = await self._post(alerts[first : first + BATCH])
            if not isinstance(outcome, Delivered):
                return outcome
        return Delivered()

    async def close(self) -> None:
        await self._http.aclose()

    def _alerts(self, alert: Alert, firing: bool) -> list[dict[str, Any]]:
        now = self._clock()
        words = self._compose(alert)
        ended = min(now, max(alert.at, alert.opened_at))
        document = {
            "annotations": told_of(alert, words.title),
            "startsAt": min(alert.opened_at, now).isoformat(),
            **({"generatorURL": words.link} if words.link else {}),
        }
        end = now + self._hold if firing else ended
        return [
            *(
                {**document, "labels": labels(alert, severity), "endsAt": ended.isoformat()}
                for severity in alert.earlier_severities
            ),
            {**document, "labels": labels(alert, alert.severity), "endsAt": end.isoformat()},
        ]

    async def _post(self, alerts: list[dict[str, Any]]) -> Outcome:
        return await post(self._http, self._url, json.dumps(alerts).encode(), {}, self._clock)


def labels(alert: Alert, severity: Severity) -> dict[str, str]:
    """What identifies the alert; all but the severity are those of the spike that opened the incident."""
    lead = alert.lead
    return {
        "alertname": NAME,
        "incident": alert.id,
        "object": lead.object_id,
        "kind": lead.object_kind,
        "resolution": lead.resolution,
        "signal": lead.signal,
        "severity": severity,
    }


def told_of(alert: Alert, summary: str) -> dict[str, str]:
    """What may change while it fires."""
    told = {
        "summary": summary,
        "description_ru": alert.ru.text,
        "description_en": alert.en.text,
        "objects": ", ".join(alert.object_ids),
        "spikes": str(len(alert.spikes)),
        "revision": str(alert.revision),
        "acknowledged_by": alert.acknowledged_by,
        "runbook": RUNBOOK,
    }
    return {name: value for name, value in told.items() if value}
