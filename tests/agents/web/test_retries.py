"""What happens after HTTP 429, 5xx and no answer at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agents.base import Refused
from agents.manual_time import NOON, JumpingTime
from agents.rates import Limit
from agents.web import Unanswered, Web
from agents.web.reply import retry_after, server_time
from pipeline.metrics import Metrics
from tests.agents.web.opening import local_web, quiet_traffic
from tests.agents.web.site import Site, sending

DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


def answers(*statuses: int, **headers: str) -> Callable[[web.Request], web.Response]:
    """One status after the other; the last one for ever."""
    waiting = list(statuses)
    return lambda _: web.Response(
        status=waiting.pop(0) if len(waiting) > 1 else waiting[0], headers={"Date": DATE, **headers}
    )


def count(metrics: Metrics, outcome: str) -> float | None:
    labels = {"agent": "test:one", "outcome": outcome}
    return metrics.registry.get_sample_value("molva_web_requests_total", labels)


async def test_errors_of_the_server_are_tried_again_ever_later(site: Site, jumping: JumpingTime) -> None:
    metrics = Metrics()
    async with local_web(site.url, time=jumping, metrics=metrics) as agent:
        assert (await agent.get(site.at("/a", answers(500, 503, 200)))).status == 200
        assert jumping.pauses == [1.0, 2.0]
        with pytest.raises(Refused, match="HTTP 502"):
            await agent.get(site.at("/b", answers(502)))
    assert len(site.requests) == 6
    assert (count(metrics, "answered"), count(metrics, "refused")) == (1, 5)


async def test_a_post_is_tried_again_only_where_asked_for(site: Site) -> None:
    url = site.at("/a", answers(500, 200))
    async with local_web(site.url) as agent:
        with pytest.raises(Refused):
            await agent.post(url)
        assert (await agent.post(site.at("/b", answers(500, 200)), retries=1)).status == 200


@pytest.mark.parametrize("status", [200, 304, 400, 401, 403, 404, 410, 418])
async def test_other_statuses_are_replies(site: Site, status: int) -> None:
    async with local_web(site.url) as agent:
        assert (await agent.get(site.at("/a", answers(status)))).status == status


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, {"Retry-After": "7"}, 7),
        (429, {"Retry-After": "Sat, 21 Nov 2026 12:01:00 GMT"}, 60),
        (429, {}, 30),
        (429, {"Retry-After": "soon"}, 30),
        (503, {"Retry-After": "100"}, 100),
    ],
)
async def test_a_server_that_wants_to_be_left_alone_is(
    site: Site, jumping: JumpingTime, status: int, header: dict[str, str], wait: float
) -> None:
    url = site.at("/a", answers(status, 200, **header))
    async with local_web(site.url, time=jumping) as agent:
        with pytest.raises(Refused) as refused:
            await agent.get(url, token_key="one")
        assert refused.value.retry_after == timedelta(seconds=wait)
        await agent.get(url, token_key="two")
        assert jumping.pauses == []
        await agent.get(url, token_key="one")
        assert jumping.pauses == [pytest.approx(wait)]


async def test_nobody_waits_for_hours(site: Site) -> None:
    url = site.at("/a", answers(429, **{"Retry-After": "86400"}))
    async with local_web(site.url) as agent:
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await agent.get(url)
            assert refused.value.retry_after == timedelta(days=1)
    assert len(site.requests) == 1


async def test_a_kind_may_say_that_a_token_needs_rest(site: Site, jumping: JumpingTime) -> None:
    url = site.at("/a", answers(200))
    async with local_web(site.url, time=jumping) as agent:
        agent.rest(url, timedelta(seconds=5), token_key="vk")
        await agent.get(url, token_key="vk")
    assert jumping.pauses == [5.0]


async def test_a_host_that_fails_is_left_alone_then_probed(site: Site, jumping: JumpingTime) -> None:
    metrics = Metrics()
    url = site.at("/a", answers(500, 500, 500, 500, 500, 200))

    def is_open() -> float | None:
        return metrics.registry.get_sample_value("molva_web_circuit_open", {"host": site.place})

    async with local_web(site.url, time=jumping, metrics=metrics) as agent:
        for _ in range(5):
            with pytest.raises(Refused):
                await agent.get(url, retries=0)
        assert is_open() == 1
        with pytest.raises(Refused, match="failed 5 times in a row"):
            await agent.get(url)
        assert len(site.requests) == 5
        jumping.move(seconds=31)
        assert (await agent.get(url)).status == 200
    assert is_open() is None


async def test_no_answer_is_a_failure_too(jumping: JumpingTime) -> None:
    async with sending(b"") as url, local_web(url, time=jumping) as agent:
        for _ in range(5):
            with pytest.raises(Unanswered):
                await agent.get(url, retries=0)
        with pytest.raises(Refused, match="failed 5 times"):
            await agent.get(url, retries=0)


async def test_agents_of_a_process_share_the_limit_of_a_token(site: Site, jumping: JumpingTime) -> None:
    traffic, limit = quiet_traffic(jumping), Limit(1.0, 2)
    url = site.at("/a", answers(200))

    def agent(name: str, **options: object) -> Web:
        return local_web(site.url, time=jumping, traffic=traffic, limit=limit, agent=name, **options)

    async with agent("a:1") as one, agent("b:2") as two, agent("a:1", budget="backfill", pace=0.5) as past:
        for each in (one, two, one, past, past):
            await each.get(url, token_key="vk")
    assert sum(jumping.pauses) == pytest.approx(1 + 2 + 1, abs=0.5)
    waited = traffic.metrics.registry.get_sample_value
    assert waited("molva_web_wait_seconds_total", {"agent": "b:2", "budget": "live"}) == 0


async def test_the_clock_of_a_server_is_compared_with_ours(site: Site, jumping: JumpingTime) -> None:
    metrics = Metrics()
    url = site.at("/a", answers(200, Date="Sat, 21 Nov 2026 12:05:00 GMT"))
    async with local_web(site.url, time=jumping, metrics=metrics) as agent:
        assert (await agent.get(url)).server_time == NOON + timedelta(minutes=5)
    labels = {"agent": "test:one", "source": "127.0.0.1"}
    assert metrics.registry.get_sample_value("molva_source_clock_offset_seconds", labels) == 300


@given(st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=40))
def test_no_header_about_time_breaks_anything(value: str) -> None:
    headers = httpx.Headers([(name, value.encode("latin-1")) for name in (b"Date", b"Age", b"Retry-After")])
    wait = retry_after(headers, NOON)
    assert wait is None or timedelta() <= wait <= timedelta(days=1)
    server_time(headers)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 1000 00:00:00 +2359", "1"])
def test_dates_at_the_edge_of_time(date: str) -> None:
    headers = httpx.Headers({"Date": date, "Age": "9" * 5000, "Retry-After": "9" * 5000})
    assert server_time(headers) is None
    assert retry_after(headers, NOON) == timedelta(days=1)
