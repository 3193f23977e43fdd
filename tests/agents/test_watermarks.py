"""Live watermarks: sparse, and behind the clock by the grace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agents.manual_time import ManualTime
from agents.watermarks import LiveWatermarks


def test_a_watermark_is_due_when_it_crosses_five_minutes() -> None:
    time = ManualTime(datetime(2026, 11, 21, 12, 3, tzinfo=UTC))
    live = LiveWatermarks(time.clock, timedelta(minutes=5))
    due = []
    for _ in range(10):
        due.append(live.due())
        time.move(minutes=1)
    stated = [moment for moment in due if moment is not None]
    assert stated == [datetime(2026, 11, 21, 11, minute, tzinfo=UTC) for minute in (55,)] + [
        datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        datetime(2026, 11, 21, 12, 5, tzinfo=UTC),
    ]
    assert due.index(stated[1]) == 2 and due.index(stated[2]) == 7


def test_a_clock_that_goes_back_takes_no_promise_back() -> None:
    time = ManualTime()
    live = LiveWatermarks(time.clock, timedelta(0))
    assert live.due() is not None
    time.move(minutes=-30)
    assert live.due() is None
