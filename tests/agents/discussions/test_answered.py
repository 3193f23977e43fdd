"""Which posts are looked at again for their answers, and when."""

from __future__ import annotations

from datetime import timedelta

from agents.base import Refused, SourceUnavailable
from agents.discussions.answered import MOST, Answered, wants_rest
from agents.manual_time import ManualTime


def test_the_newest_posts_of_two_weeks_are_watched() -> None:
    time = ManualTime()
    known = Answered(time.clock, {})
    for hour in range(MOST + 50):
        known.note(str(hour), "bank", time.clock() - timedelta(hours=hour))
    known.note("old", "bank", time.clock() - timedelta(days=20))
    assert sorted(known.copy(), key=int) == [str(hour) for hour in range(MOST)]
    time.move(days=14)
    assert known.late(MOST) == ["0"]
    time.move(seconds=1)
    assert (known.late(MOST), known.copy()) == ([], {})


def test_answers_are_read_where_their_count_changed_and_now_and_then() -> None:
    time = ManualTime()
    known = Answered(time.clock, {})
    known.note("1", "bank", time.clock())
    assert known.late(20, "other") == []
    wanted = []
    for count in (0, 0, 2, 2, 2, 2, 2, 2):
        assert known.late(20, "bank") == ["1"]
        wanted.append(known.wants("1", count))
        known.looked("1", count, lively=False)
        assert known.late(20) == []
        time.move(days=1)
    assert wanted == [False, False, True, True, False, False, False, True]


def test_a_post_that_is_absent_twice_was_deleted_and_a_failure_puts_off_its_own_only() -> None:
    time = ManualTime()
    known = Answered(time.clock, {})
    known.note("1", "bank", time.clock())
    known.note("2", "bank", time.clock())
    assert not known.is_gone("1")
    known.failed(["2"])
    time.move(minutes=2)
    assert known.late(20) == ["1"]
    assert known.is_gone("1")
    time.move(minutes=2)
    assert known.late(20) == ["2"]


def test_what_asks_for_rest_is_told_from_what_fails_alone() -> None:
    assert wants_rest(Refused("429", timedelta(seconds=1)))
    assert not wants_rest(Refused("500", None))
    assert not wants_rest(SourceUnavailable("broken"))
