"""The pace of a back-fill is its own: another request may be faster, and slow ones get on."""

from __future__ import annotations

import pytest

from agents.manual_time import JumpingTime
from agents.rates import Limit
from agents.web import Reach, Traffic
from agents.web.gate import Gate
from agents.web.question import Question
from pipeline.metrics import Metrics

QUESTION = Question.of("GET", "https://a.example/", None, None, (), "", 1000)


async def three(traffic: Traffic, time: JumpingTime, pace: float | None, limit: float = 100.0) -> float:
    """The seconds from the first to the third of three requests."""
    gate = Gate("vk:a", Reach.of("a.example"), traffic, Limit(limit, 1), "backfill", pace)
    await gate.let(QUESTION)
    began = time.clock()
    await gate.let(QUESTION)
    await gate.let(QUESTION)
    return (time.clock() - began).total_seconds()


async def test_a_back_fill_that_is_asked_for_again_may_be_faster_and_a_slow_one_gets_on() -> None:
    time = JumpingTime()
    traffic = Traffic(Metrics(), clock=time.clock, sleep=time.sleep)
    assert await three(traffic, time, 0.001) == pytest.approx(2000, abs=0.1)
    assert await three(traffic, time, 2.0) == pytest.approx(1, abs=0.1)
    assert len(traffic.rates._turns) == 1, "one for the host; a pace leaves nothing behind"


async def test_a_limit_below_one_in_two_minutes_gets_on() -> None:
    time = JumpingTime()
    traffic = Traffic(Metrics(), clock=time.clock, sleep=time.sleep)
    assert await three(traffic, time, None, limit=0.004) == pytest.approx(500, abs=0.1)
