"""One contract for the fake Alertmanager and Debian's real one (skipped where it is not installed)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.alerts.alertmanager import Alertmanager
from pipeline.alerts.receiver import Delivered, Notification, Refused, Standing
from pipeline.alerts.wording import composer
from pipeline.core.incidents import Incidents
from schemas import Alert
from tests.alerts.listening import FakeAlertmanager, RealAlertmanager, pretending
from tests.alerts.spikes import spike, tell

PROGRAMS = ("prometheus-alertmanager", "alertmanager")


def utc_now() -> datetime:
    return datetime.now(UTC)


def program() -> str:
    """The installed Alertmanager."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("Alertmanager is not installed (Debian: apt-get install prometheus-alertmanager)")
    return found


@pytest.fixture(params=["fake", "real"])
async def manager(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[FakeAlertmanager | RealAlertmanager]:
    if request.param == "fake":
        async with pretending(utc_now) as fake:
            yield fake
        return
    real = RealAlertmanager(program(), tmp_path, "http://127.0.0.1:9/")
    try:
        await real.start()
        yield real
    finally:
        real.stop()


@pytest.fixture
async def receiver(manager: FakeAlertmanager | RealAlertmanager) -> AsyncIterator[Alertmanager]:
    found = Alertmanager("r", manager.url, composer("en", str), utc_now)
    yield found
    await found.close()


def life() -> list[Alert]:
    """An incident that begins now, gets worse and ends."""
    incidents, start = Incidents(tell, timedelta(minutes=30)), utc_now() - timedelta(seconds=30)
    times = {"opened_at": start, "started_at": start, "updated_at": start}
    events = [
        spike(**times),
        spike(revision=2, status="updated", severity="critical", **times),
        spike(revision=3, status="resolved", severity="critical", **times | {"resolved_at": start}),
    ]
    alerts = [incidents.absorb(event, utc_now()) for event in events]
    return [alert for alert in alerts if alert is not None]


def told(alert: Alert, withdrawn: bool = False) -> Notification:
    return Notification(receiver="r", alert=alert, withdrawn=withdrawn, queued_at=utc_now())


async def severities(manager: FakeAlertmanager | RealAlertmanager) -> list[str]:
    return sorted(each["labels"]["severity"] for each in await manager.alerts())


async def test_an_incident_fires_gets_worse_and_ends(
    manager: FakeAlertmanager | RealAlertmanager, receiver: Alertmanager
) -> None:
    opened, worse, ended = life()
    assert await receiver.send(told(opened)) == Delivered()
    assert await severities(manager) == ["warning"]
    assert await receiver.send(told(worse)) == Delivered()
    assert await severities(manager) == ["critical"]
    assert await receiver.remind([Standing(worse, True)]) == Delivered()
    assert await severities(manager) == ["critical"]
    assert await receiver.send(told(ended)) == Delivered()
    assert await severities(manager) == []


async def test_a_withdrawn_incident_does_not_fire_until_it_is_told_again(
    manager: FakeAlertmanager | RealAlertmanager, receiver: Alertmanager
) -> None:
    opened = life()[0]
    await receiver.send(told(opened))
    await receiver.send(told(opened, withdrawn=True))
    assert await severities(manager) == []
    await receiver.send(told(opened))
    assert await severities(manager) == ["warning"]


async def test_an_alert_that_breaks_the_rules_is_refused(
    manager: FakeAlertmanager | RealAlertmanager, receiver: Alertmanager
) -> None:
    assert isinstance(await receiver._post([{"labels": {}}]), Refused)
