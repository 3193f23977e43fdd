"""Budgets of requests, measured with time that only moves when it is told to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.base import Refused
from agents.manual_time import JumpingTime, ManualTime
from agents.rates import MOST_BUCKETS, Bucket, Budget, Limit, Rates, token_key


async def moments(time: JumpingTime, rates: Rates, limit: Limit, budgets: list[Budget]) -> list[float]:
    """When each request goes out, in seconds from now, one after the other."""
    began, sent = time.clock(), []
    for budget in budgets:
        await rates.turns("a:443", "t", limit).wait(budget)
        sent.append((time.clock() - began).total_seconds())
    return sent


async def test_a_burst_then_the_rate() -> None:
    time = JumpingTime()
    rates = Rates(time.clock, time.sleep)
    sent = await moments(time, rates, Limit(3.0, 3), ["live"] * 9)
    assert sent == pytest.approx([0, 0, 0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2], abs=1e-3)


@given(
    st.floats(0.1, 50),
    st.integers(1, 20),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["live", "backfill"])), max_size=60),
)
def test_no_window_of_time_holds_more_than_the_limit(
    rate: float, burst: int, steps: list[tuple[float, Budget]]
) -> None:
    time = ManualTime()
    bucket = Bucket(Limit(rate, burst), time.clock)
    taken: list[float] = []
    for pause, budget in steps:
        time.move(seconds=pause)
        if bucket.take(budget) == 0.0:
            taken.append(time.clock().timestamp())
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - taken[first]) + 1e-3


@given(
    st.floats(0.1, 20),
    st.integers(2, 10),
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 3), st.integers(0, 5)), max_size=40),
)
def test_live_requests_go_out_as_if_there_were_no_backfill(
    rate: float, burst: int, steps: list[tuple[float, int, int]]
) -> None:
    time = ManualTime()
    shared = Bucket(Limit(rate, burst), time.clock)
    alone = Bucket(Limit(rate, burst - 1), time.clock)
    for pause, live, backfill in steps:
        time.move(seconds=pause)
        for _ in range(backfill):
            shared.take("backfill")
        for _ in range(live):
            if alone.take("live") == 0.0:
                assert shared.take("live") == 0.0


async def test_backfill_gets_what_live_requests_leave() -> None:
    time = JumpingTime()
    rates = Rates(time.clock, time.sleep)
    sent = await moments(time, rates, Limit(2.0, 3), ["backfill"] * 4)
    assert sent == pytest.approx([0, 0.5, 1.0, 1.5], abs=1e-3)


async def test_backfill_waits_while_a_live_request_does() -> None:
    time = ManualTime()
    turns = Rates(time.clock, time.sleep).turns("a:443", "", Limit(1.0, 1))
    await turns.wait("live")
    order: list[str] = []

    async def ask(budget: Budget) -> None:
        await turns.wait(budget)
        order.append(budget)

    asking = [asyncio.ensure_future(ask(budget)) for budget in ("backfill", "live", "live")]
    while not all(task.done() for task in asking):
        for _ in range(5):
            await asyncio.sleep(0)
        time.move(seconds=1)
    assert order == ["live", "live", "backfill"]


async def test_the_lower_of_two_limits_holds_for_a_token_that_two_agents_share() -> None:
    time = JumpingTime()
    rates = Rates(time.clock, time.sleep)
    await moments(time, rates, Limit(10.0, 5), ["live"])
    sent = await moments(time, rates, Limit(1.0, 2), ["live"] * 4)
    assert sent == pytest.approx([0, 0, 1, 2], abs=1e-3)
    assert rates.turns("a:443", "t", Limit(10.0, 5)).bucket.limit == Limit(1.0, 2)
    assert rates.turns("a:443", "other", Limit(10.0, 5)).bucket.limit == Limit(10.0, 5)


def test_two_tokens_have_two_buckets_and_no_key_tells_its_token() -> None:
    keys = {token_key("vk", "hunter2"), token_key("vk", b"hunter2"), token_key("vk", "hunter3")}
    assert len(keys) == 2 and "hunter" not in "".join(keys)


def test_idle_buckets_are_forgotten_and_those_in_use_are_kept() -> None:
    time = ManualTime()
    rates = Rates(time.clock, time.sleep)
    used = [rates.turns(name, "", Limit(1.0, 1)) for name in ("used:443", "resting:443")]
    used[0].bucket.take("live")
    used[1].bucket.rest(timedelta(hours=1))
    first = rates.turns("0.example:443", "", Limit(1.0, 1))
    for number in range(1, MOST_BUCKETS):
        rates.turns(f"{number}.example:443", "", Limit(1.0, 1))
    assert rates.turns("used:443", "", Limit(1.0, 1)) is used[0]
    assert rates.turns("resting:443", "", Limit(1.0, 1)) is used[1]
    assert rates.turns("0.example:443", "", Limit(1.0, 1)) is not first


async def test_a_host_that_wants_to_rest_is_left_alone_and_nobody_waits_for_hours() -> None:
    time = JumpingTime()
    turns = Rates(time.clock, time.sleep).turns("a:443", "", Limit(10.0, 5))
    turns.bucket.rest(timedelta(seconds=90))
    assert await turns.wait("live") == pytest.approx(90)
    turns.bucket.rest(timedelta(hours=2))
    for budget in ("live", "backfill"):
        with pytest.raises(Refused) as refused:
            await turns.wait(budget)  # type: ignore[arg-type]
        assert refused.value.retry_after == timedelta(hours=2)


def test_a_clock_that_goes_back_lets_nothing_extra_through() -> None:
    time = ManualTime()
    bucket = Bucket(Limit(1.0, 1), time.clock)
    assert bucket.take("live") == 0.0
    time.move(hours=-1)
    assert bucket.take("live") == pytest.approx(1.0)
    time.move(seconds=1)
    assert bucket.take("live") == 0.0
