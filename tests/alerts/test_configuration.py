"""alerts.yaml: what it may say, and how each mistake is told."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.alerts.configuration import Configuration
from pipeline.alerts.configuration_file import AlertsError, read_configuration
from pipeline.alerts.routing import Routing, Step, Told
from pipeline.core.incidents import Incidents
from schemas import Alert
from tests.alerts.spikes import T0, spike, tell
from tests.alerts.surroundings import webhooks

EXAMPLE = Path(__file__).parents[2] / "deploy" / "alerts.example.yaml"


def read(folder: Path, text: str, **environment: str) -> Configuration:
    file = folder / "alerts.yaml"
    file.write_text(text, encoding="utf-8")
    return read_configuration(file, environment)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "hook.secret").write_text("from a file\n", encoding="utf-8")
    configuration = read(
        tmp_path,
        """
language: en
timezone: Europe/Berlin
cooldown: 15m
patience: 2d
receivers:
  - {name: pager, type: alertmanager, url: "http://alertmanager:9093", resend: 30s}
  - name: hook
    type: webhook
    url: https://hooks.example/${PLACE}
    secret_file: hook.secret
    headers: {Authorization: "Bearer ${TOKEN}"}
    events: [opened, updated, resolved]
  - {name: chat, type: apprise, url: "tgram://${TOKEN}/7", title: "${severity}: ${headline}"}
routes:
  - {receivers: [pager, hook], severity: critical}
  - {receivers: chat, objects: "sber*", days: [mon, fri], hours: 21:00-09:00}
""",
        TOKEN="t0ken",
        PLACE="room",
    )
    pager, hook, chat = configuration.receivers
    assert (configuration.cooldown, configuration.patience) == (timedelta(minutes=15), timedelta(days=2))
    assert pager.model_dump()["resend"] == timedelta(seconds=30)
    shown = hook.model_dump()
    assert shown["url"].get_secret_value() == "https://hooks.example/room"
    assert shown["secret"].get_secret_value() == "from a file"
    assert shown["headers"]["Authorization"].get_secret_value() == "Bearer t0ken"
    assert chat.url is not None
    assert chat.url.get_secret_value() == "tgram://t0ken/7"
    assert configuration.routes[1].hours == (time(21), time(9))
    assert "t0ken" not in repr(configuration)
    assert "from a file" not in repr(configuration)


def test_the_example_is_valid() -> None:
    names = {
        "TELEGRAM_TOKEN",
        "TELEGRAM_CHAT",
        "SLACK_HOOK",
        "SMTP_PASSWORD",
        "HOOK_SECRET",
        "MATTERMOST_HOOK",
    }
    configuration = read_configuration(EXAMPLE, dict.fromkeys(names, "x"))
    assert {receiver.type for receiver in configuration.receivers} == {"alertmanager", "webhook", "apprise"}


def test_the_one_of_docker_compose_needs_no_secret() -> None:
    configuration = read_configuration(EXAMPLE.parent / "alerts" / "alerts.yaml", {})
    assert [receiver.type for receiver in configuration.receivers] == ["alertmanager"]


HOOK = "receivers:\n  - {name: a, type: webhook, url: 'http://x/'}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1: write `receivers:`"),
        ("receivers: [", "1: not YAML"),
        ("cooldown: 15m\ncooldown: 20m\n", "2: `cooldown` is given twice (first on line 1)"),
        ("\ncooldown: soon\n", "2: `cooldown`: write a number and s, m, h, d or w"),
        ("timezone: Mars/Olympus\n", "1: `timezone`: unknown timezone"),
        ("colour: red\n", "1: unknown key `colour`"),
        ("receivers:\n  - name: a\n    url: http://x/\n", "2: a receiver needs `type`"),
        ("receivers:\n  - {name: a, type: webhook}\n", "2: `receivers`: give `url` or `url_file`"),
        (HOOK + "  - {name: a, type: webhook, url: 'http://y/'}\n", "two receivers are called 'a'"),
        (HOOK + "routes:\n  - {receivers: b}\n", "route 1 names the receiver 'b'"),
        (HOOK + "routes:\n  - receivers: a\n    severity: bad\n", "5: `severity`"),
        (HOOK + "routes:\n  - receivers: a\n    hours: all day\n", "5: `hours`: write from-to"),
        (
            "receivers:\n  - {name: a, type: webhook, url: 'http://x/', secret: s3cret}\n",
            "2: `secret` holds a secret: write `secret: ${NAME}`",
        ),
        (
            "receivers:\n  - name: a\n    type: apprise\n    url: tgram://1:2/3\n",
            "4: `url` holds a secret",
        ),
        (
            "receivers:\n  - name: a\n    type: apprise\n    url: tgram://${NO_SUCH}\n",
            "4: `url`: the variable NO_SUCH is not set",
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url_file: nowhere\n",
            "4: `url_file`: ",
        ),
        (
            "receivers:\n  - name: a\n    type: webhook\n    url: http://x/\n    title: ${headlin}\n",
            "5: `title`: unknown field ${headlin}; there are comment, event",
        ),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(AlertsError) as told:
        read(tmp_path, text)
    assert complaint in str(told.value)
    assert str(told.value).startswith(str(tmp_path / "alerts.yaml") + ":")
    assert "s3cret" not in str(told.value)
    assert "tgram" not in str(told.value)


def incident(**more: Any) -> Alert:
    alert = Incidents(tell, timedelta(minutes=30)).absorb(spike(**more), T0)
    assert alert is not None
    return alert


def asked(alert: Alert, now: datetime = T0, told: dict[str, Told] | None = None, **route: Any) -> list[Step]:
    """The steps of a single route to one webhook."""
    configuration = webhooks("a", routes=[{"receivers": "a", **route}])
    return Routing(configuration).steps(alert, told or {}, now)


@pytest.mark.parametrize(
    ("route", "hit"),
    [
        ({}, True),
        ({"objects": ["ba*"]}, True),
        ({"objects": ["rival"]}, False),
        ({"kinds": "brand"}, True),
        ({"kinds": ["person", "topic"]}, False),
        ({"signals": "volume"}, False),
        ({"resolutions": ["5m", "1h"]}, True),
        ({"resolutions": "5m"}, False),
        ({"severity": "warning"}, True),
        ({"severity": "critical"}, False),
        ({"timelines": "replay:*"}, False),
    ],
)
def test_a_route_asks_for_what_it_says(route: dict[str, Any], hit: bool) -> None:
    assert bool(asked(incident(), **route)) is hit


def test_replays_are_told_only_where_they_are_asked_for() -> None:
    replayed = incident(timeline="replay:x.jsonl")
    assert asked(replayed) == []
    assert asked(replayed, timelines="replay:*") == [Step("a", "open")]


@pytest.mark.parametrize(
    ("moment", "hit"),
    [
        ("2026-03-02T20:59", False),  # a Monday
        ("2026-03-02T21:00", True),
        ("2026-03-03T08:59", True),
        ("2026-03-03T09:00", False),
        ("2026-03-03T21:30", False),  # a Tuesday
        ("2026-03-02T08:00", False),  # that is Sunday's night
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(moment: str, hit: bool) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Moscow"))
    assert bool(asked(incident(), now, days="mon", hours="21:00-09:00")) is hit


def test_the_end_is_told_to_those_who_heard_of_the_beginning() -> None:
    over = incident(status="resolved")
    assert asked(over) == []
    assert asked(over, told={"a": "open"}, severity="critical") == [Step("a", "resolved")]


def test_an_alertmanager_hears_everything_and_is_told_to_be_quiet() -> None:
    configuration = Configuration.model_validate(
        {"receivers": [{"name": "a", "type": "alertmanager", "url": "http://x/"}]}
    )
    routing = Routing(configuration)
    updated = incident().model_copy(update={"event": "updated"})
    assert routing.steps(updated, {"a": "open"}, T0) == [Step("a", "open")]
    snoozed = updated.model_copy(update={"event": "snoozed", "suppressed_by": "snooze"})
    assert routing.steps(snoozed, {"a": "open"}, T0) == [Step("a", "withdrawn")]
    assert routing.steps(snoozed, {"a": "withdrawn"}, T0) == []
    resumed = updated.model_copy(update={"event": "resumed"})
    assert routing.steps(resumed, {"a": "withdrawn"}, T0) == [Step("a", "open")]
