"""``molva alerts``: what a person types, sees, and is told where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.alerts.configuration import Configuration
from pipeline.alerts.sample import send_sample
from pipeline.cli import alerts as commands
from pipeline.cli.alert_decisions import span
from pipeline.cli.alert_log import Board, publish, read_board
from pipeline.core.incidents import Incidents
from pipeline.core.silences import Silence
from pipeline.emission import outgoing
from pipeline.errors import UsageError
from pipeline.kafka import KafkaAdmin
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.topics import ALERTS
from schemas import AlertAction
from tests.alerts.listening import serving
from tests.alerts.spikes import at, spike, tell
from tests.alerts.surroundings import Time


def hooks(*urls: str) -> Configuration:
    receivers = [{"name": f"hook{n}", "type": "webhook", "url": url} for n, url in enumerate(urls)]
    return Configuration.model_validate({"receivers": receivers})


async def test_a_sample_goes_to_every_receiver_and_says_how_it_was_taken() -> None:
    async with serving() as well, serving((404, {})) as sick:
        results = await send_sample(hooks(well.url, sick.url), None, Time())
        assert results == {"hook0": "", "hook1": "HTTP 404: 'said so'"}
        assert await send_sample(hooks(well.url, sick.url), "hook0", Time()) == {"hook0": ""}
        with pytest.raises(UsageError, match="there is no receiver 'chat'; there are hook0, hook1"):
            await send_sample(hooks(well.url, sick.url), "chat", Time())
    document = json.loads(well.requests[0].body)
    assert "Это проверка" in document["text"]
    assert document["alert"]["object_ids"] == ["molva-test"]


async def test_a_sample_fires_for_five_minutes_in_an_alertmanager() -> None:
    async with serving() as manager:
        receiver = {"name": "m", "type": "alertmanager", "url": manager.url}
        time = Time()
        await send_sample(Configuration.model_validate({"receivers": [receiver]}), None, time)
    (sent,) = json.loads(manager.requests[0].body)
    assert sent["endsAt"] == (time.now + timedelta(minutes=5)).isoformat()


def test_check_says_who_is_told(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yaml"
    text = "receivers: [{name: a, type: webhook, url: 'http://x/'}]\nroutes: [{receivers: a}]\n"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(commands.app, ["check", "--file", str(file)])
    assert (done.exit_code, "a (webhook): routes 1" in done.output) == (0, True)


def board(*objects: str) -> Board:
    incidents = Incidents(tell, timedelta(minutes=30))
    for number, object_id in enumerate(objects):
        incidents.absorb(spike(object_id, opened=number * 600, minute=number * 600), at(number * 600))
        incidents.absorb(spike(object_id, 2, "resolved", opened=number * 600, minute=number * 600 + 1), at(0))
        incidents.absorb(spike(object_id, opened=number * 600 + 100, minute=number * 600 + 100), at(0))
    return Board({each.id: each for each in incidents}, [])


def test_an_incident_is_found_by_its_id_or_by_the_object_that_has_just_one() -> None:
    known = board("bank")
    open_one = next(each for each in known.incidents.values() if each.status == "open")
    assert known.chosen("bank") == open_one
    assert known.chosen(open_one.id) == open_one
    with pytest.raises(UsageError, match="there is no incident 'rival'"):
        known.chosen("rival")


@pytest.mark.parametrize("wrong", ["soon", "5", "-1h", "367d", "999999w"])
def test_durations_that_are_none_are_told(wrong: str) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        span(wrong)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["snooze", "bank", "--for", "999999w"], "'999999w' is no duration: at most 366d"),
        (["maintenance", "bank", "--to", "999999w"], "'999999w' is no duration: at most 366d"),
        (["maintenance", "bank", "--to", "9999-12-31T23:59"], "is more than 10 years away"),
        (["maintenance", "bank", "--from", "0001-01-01T00:00"], "is more than 10 years away"),
    ],
)
def test_times_beyond_the_calendar_are_told(typed: list[str], told: str) -> None:
    done = CliRunner().invoke(commands.app, typed)
    assert isinstance(done.exception, UsageError)
    assert told in str(done.exception)


async def test_a_sample_needs_a_receiver() -> None:
    with pytest.raises(UsageError, match="has no receivers: add one"):
        await send_sample(Configuration(), None, Time())


@pytest.mark.integration
async def test_decisions_and_incidents_go_through_kafka(settings: Callable[..., Settings]) -> None:
    configured = settings(partitions=4)
    now = datetime.now(UTC)
    alert = Incidents(tell, timedelta(minutes=30)).absorb(spike("of-commands"), now)
    assert alert is not None
    window: dict[str, Any] = {"action": "maintenance", "target": "of-commands", "at": now}
    actions = [
        AlertAction(id="of-commands-1", until=now + timedelta(hours=1), **window),
        AlertAction(id="of-commands-2", until=now + timedelta(hours=1), **window),
        AlertAction(id="of-commands-3", action="cancel", target="of-commands-2", at=now),
    ]
    async with KafkaAdmin(configured) as admin:
        await admin.ensure_topics()
    async with Producer(configured) as producer:
        await producer.emit([outgoing(ALERTS, alert)])
    for action in actions:
        await publish(configured, action)
    found = await read_board(configured, now)
    assert found.incidents[alert.id] == alert
    mine = [each for each in found.silences if each.action.target == "of-commands"]
    assert mine == [Silence(action=actions[0])]
