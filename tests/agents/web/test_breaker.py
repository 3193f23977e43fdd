"""The circuit of a host: opens after failures, lets one probe through, closes with an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.base import Refused
from agents.manual_time import ManualTime
from agents.web.breaker import FAILURES, LONGEST_REST, MOST_CIRCUITS, Breakers


def opened(time: ManualTime) -> Breakers:
    breakers = Breakers(time.clock, lambda: 0.5)
    for failure in range(FAILURES):
        breakers.begin("a")
        assert breakers.failed("a") == (failure == FAILURES - 1)
    return breakers


def rest_of(breakers: Breakers) -> timedelta:
    with pytest.raises(Refused, match="failed 5 times in a row; it is asked again in 30 s") as refused:
        breakers.check("a")
    assert refused.value.retry_after is not None
    return refused.value.retry_after


def test_it_opens_after_failures_in_a_row_and_for_one_host_only(time: ManualTime) -> None:
    breakers = opened(time)
    assert rest_of(breakers) == timedelta(seconds=30)
    assert breakers.is_open("a")
    breakers.begin("b")


def test_an_answer_between_failures_keeps_it_closed(time: ManualTime) -> None:
    breakers = Breakers(time.clock, lambda: 0.5)
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breakers.failed("a")
        breakers.succeeded("a")
    breakers.begin("a")


def test_one_probe_then_an_answer_closes_it(time: ManualTime) -> None:
    breakers = opened(time)
    time.move(seconds=30)
    breakers.begin("a")
    with pytest.raises(Refused):
        breakers.begin("a")
    assert breakers.succeeded("a")
    breakers.begin("a")
    assert not breakers.is_open("a")


def test_a_failed_probe_doubles_the_rest_up_to_a_limit(time: ManualTime) -> None:
    breakers = opened(time)
    rests = []
    for _ in range(8):
        time.move(hours=1)
        breakers.begin("a")
        breakers.failed("a")
        with pytest.raises(Refused) as refused:
            breakers.check("a")
        assert refused.value.retry_after is not None
        rests.append(refused.value.retry_after.total_seconds())
    assert rests[:4] == [60, 120, 240, 480]
    assert rests[-1] == LONGEST_REST.total_seconds()


def test_requests_that_were_on_their_way_when_it_opened_prolong_nothing(time: ManualTime) -> None:
    breakers = Breakers(time.clock, lambda: 0.5)
    for _ in range(12):
        breakers.begin("a")
    opening = [breakers.failed("a") for _ in range(12)]
    assert opening == [*[False] * (FAILURES - 1), True, *[False] * (12 - FAILURES)]
    time.move(seconds=30)
    breakers.begin("a")
    assert [breakers.failed("a") for _ in range(3)] == [True, False, False]
    time.move(seconds=60)
    breakers.begin("a")


def test_hosts_that_nobody_asks_any_more_are_forgotten(time: ManualTime) -> None:
    breakers = opened(time)
    for number in range(MOST_CIRCUITS - 2):
        breakers.failed(f"{number}.example")
    assert breakers.forget() == []
    time.move(hours=1)
    for _ in range(FAILURES):
        breakers.failed("b")
    assert breakers.forget() == ["a"]
    assert breakers.is_open("b") and not breakers.is_open("a")


def test_a_probe_that_is_never_heard_of_again_is_followed_by_another(time: ManualTime) -> None:
    breakers = opened(time)
    time.move(seconds=30)
    breakers.begin("a")
    time.move(minutes=2)
    breakers.begin("a")
