"""A sample notification for ``molva alerts test``: marked as a test, of no object, ending by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pipeline.alerts.configuration import AlertmanagerConfig, Configuration
from pipeline.alerts.delivery import attempt
from pipeline.alerts.receiver import Delivered, Notification
from pipeline.alerts.receivers import open_receivers
from pipeline.core.incident_events import begun
from pipeline.errors import UsageError
from schemas import Alert, Spike
from schemas.alert import Telling

OBJECT = "molva-test"
HOLD = timedelta(minutes=5)
"""After this the sample ends in an Alertmanager; to others it is one message."""
RU = Telling(title="Проверка оповещений Молвы", text="Это проверка: ничего не случилось.")
EN = Telling(title="A test of Molva's alerts", text="This is a test: nothing has happened.")


def sample(now: datetime) -> Alert:
    """An incident that has just begun; every call has an id of its own, so that nobody takes it for known."""
    start = now - timedelta(minutes=5)
    spike = Spike(
        id=f"{OBJECT}/5m/{now:%Y-%m-%dT%H:%M:%SZ}",
        revision=1,
        status="opened",
        object_id=OBJECT,
        object_kind="topic",
        resolution="5m",
        severity="info",
        opened_at=start,
        started_at=start,
        updated_at=now,
        score=0,
        peak_score=0,
        negatives=0,
        expected_negatives=0,
        total=0,
        expected_total=0,
        authors=0,
    )
    return begun(spike, lambda _: (RU, EN), timedelta(0), "", now)


async def send_sample(
    configuration: Configuration, only: str | None, clock: Callable[[], datetime]
) -> dict[str, str]:
    """Tell each receiver (or one) once.

    Returns:
        What went wrong, by receiver; empty where nothing did.

    Raises:
        UsageError: there is no receiver ``only``, or none at all.
    """
    if not configuration.receivers:
        raise UsageError("alerts.yaml has no receivers: add one (deploy/alerts.example.yaml shows how)")
    brief = [
        each.model_copy(update={"hold": HOLD}) if isinstance(each, AlertmanagerConfig) else each
        for each in configuration.receivers
    ]
    receivers = open_receivers(
        configuration.model_copy(update={"receivers": tuple(brief)}), lambda each: each, clock
    )
    chosen = [each for each in receivers if only in (None, each.name)]
    results: dict[str, str] = {}
    try:
        if not chosen:
            names = ", ".join(each.name for each in receivers)
            raise UsageError(f"there is no receiver {only!r}; there are {names}")
        for receiver in chosen:
            now = clock()
            notification = Notification(receiver=receiver.name, alert=sample(now), queued_at=now)
            outcome = await attempt(receiver.send(notification))
            results[receiver.name] = "" if isinstance(outcome, Delivered) else outcome.why
    finally:
        for receiver in receivers:
            await receiver.close()
    return results
