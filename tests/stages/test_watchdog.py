"""When a worker counts as stalled; literal times, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.watchdog import Position, Watchdog

T0 = datetime(2026, 3, 2, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def test_a_partition_with_records_waiting_unread_is_stalled_after_the_patience() -> None:
    dog = Watchdog(timedelta(seconds=60))
    assert dog.stalled({"p": Position(5, 9)}, after(0)) == []
    assert dog.stalled({"p": Position(5, 12)}, after(59)) == []
    assert dog.stalled({"p": Position(5, 12)}, after(60)) == ["p"]


def test_any_movement_starts_the_clock_again() -> None:
    dog = Watchdog(timedelta(seconds=60))
    dog.stalled({"p": Position(5, 9)}, after(0))
    assert dog.stalled({"p": Position(6, 9)}, after(50)) == []
    assert dog.stalled({"p": Position(6, 9)}, after(100)) == []
    assert dog.stalled({"p": Position(6, 9)}, after(110)) == ["p"]


def test_an_idle_or_revoked_partition_is_never_stalled() -> None:
    dog = Watchdog(timedelta(seconds=60))
    dog.stalled({"p": Position(9, 9), "q": Position(1, 4)}, after(0))
    assert dog.stalled({"p": Position(9, 9)}, after(100)) == []
    assert dog.stalled({"p": Position(9, 9), "q": Position(1, 4)}, after(101)) == []


def test_a_slow_stage_that_works_off_what_is_buffered_is_not_stalled() -> None:
    dog = Watchdog(timedelta(seconds=60))
    for second in range(0, 600, 2):
        assert dog.stalled({"p": Position(3300, 9000)}, after(second), work=second // 40) == []
    for second in range(600, 658, 2):
        assert dog.stalled({"p": Position(3300, 9000)}, after(second), work="stands") == []
    assert dog.stalled({"p": Position(3300, 9000)}, after(660), work="stands") == ["p"]


def test_a_forgotten_partition_is_found_while_the_others_go_on() -> None:
    dog = Watchdog(timedelta(seconds=60), indulgence=timedelta(minutes=10))
    for second in range(0, 600, 10):
        assert dog.stalled({"p": Position(5, 9), "q": Position(second, 9000)}, after(second), second) == []
    assert dog.stalled({"p": Position(5, 9), "q": Position(600, 9000)}, after(600), 600) == ["p"]
