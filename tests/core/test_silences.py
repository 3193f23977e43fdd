"""Maintenance windows: when they hold, by the wall clock, over a change to summer time too."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from pipeline.core.silences import Silence, kept_quiet
from schemas import AlertAction

BERLIN = ZoneInfo("Europe/Berlin")


def window(**fields: Any) -> Silence:
    base = {"id": "w", "action": "maintenance", "target": "bank", "at": "2026-03-20T10:00:00Z"}
    return Silence(action=AlertAction.model_validate({**base, **fields}))


def berlin(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


def test_a_single_window_holds_once() -> None:
    once = window(since=berlin(21, 2), until=berlin(21, 4))
    held = [
        once.holds(moment) for moment in (berlin(21, 1, 59), berlin(21, 2), berlin(21, 3, 59), berlin(21, 4))
    ]
    assert held == [False, True, True, False]
    assert once.over(berlin(21, 4))
    assert not once.holds(berlin(22, 3))


def test_a_nightly_window_keeps_its_hours_in_summer_time() -> None:
    nightly = window(
        since=berlin(21, 23), until=berlin(22, 1), recurrence="daily", timezone="Europe/Berlin"
    )  # summer time begins on 29 March
    for day in (22, 27, 30):
        assert nightly.holds(berlin(day, 23, 30))
        assert nightly.holds(berlin(day, 0, 59)) == (day != 21)
        assert not nightly.holds(berlin(day, 1, 0))
        assert not nightly.holds(berlin(day, 22, 59))
    assert not nightly.over(berlin(1, 0, month=12))


def test_a_weekly_window_holds_on_its_day() -> None:
    weekly = window(since=berlin(22, 1), until=berlin(22, 6), recurrence="weekly", timezone="Europe/Berlin")
    assert weekly.holds(berlin(29, 5, 30))
    assert not weekly.holds(berlin(28, 5, 30))


def test_all_objects_must_be_silenced_and_maintenance_wins() -> None:
    bank = window(since=berlin(21, 2), until=berlin(21, 4))
    now = berlin(21, 3)
    assert kept_quiet([bank], ["bank"], now) == "maintenance"
    assert kept_quiet([bank], ["bank", "rival"], now) == ""
    everything = window(id="s", action="snooze", target="*", since=berlin(21, 2), until=berlin(21, 4))
    assert kept_quiet([everything], ["bank", "rival"], now) == "snooze"
    assert kept_quiet([everything, bank], ["bank"], now) == "maintenance"
    assert kept_quiet([], ["bank"], now) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"until": "2026-03-20T09:00:00Z"},
        {"until": "9999-12-31T23:59:59Z"},
        {"until": "2026-03-21T09:00:00Z", "timezone": "Mars/Olympus"},
    ],
)
def test_windows_without_an_end_or_a_known_timezone_are_no_records(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**wrong)
