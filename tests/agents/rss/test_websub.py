"""WebSub: discovery, verification, signed pushes, renewal; polling goes on, seldom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from agents.base import BadConfiguration, Collected, Found, Progress
from agents.manual_time import ManualTime
from agents.options import Lookup
from agents.rss.feeds import Feed
from agents.rss.kind import Options, build
from agents.rss.websub_messages import discovered, signed
from agents.surroundings import Surroundings
from pipeline.metrics import Metrics
from tests.agents.rss.hub import Hub
from tests.agents.rss.server import XML, FeedServer, rss
from tests.agents.web.opening import local_web


class Agent:
    """The agent while it runs: what it yielded, its clock, where hubs reach it."""

    def __init__(self, feed: Feed, hub: Hub, time: ManualTime, metrics: Metrics, port: int = 0) -> None:
        self.time, self.metrics, self.hub = time, metrics, hub
        self.items: list[Collected] = []
        websub = {
            "callback": "https://agent.example/websub",
            "port": port,
            "secret": SecretStr("s"),
            "hubs": [hub.url],
        }
        entry = {"name": "one", "kind": "rss", "feeds": [feed.model_dump()], "websub": websub}
        self.options = Options.model_validate(entry, context=Lookup())
        self.outside = local_web(str(feed.url), hub.url, time=time, metrics=metrics)
        self.source = build(
            self.options,
            Surroundings(
                agent="rss:one",
                web=self.outside,
                metrics=metrics,
                clock=time.clock,
                sleep=time.sleep,
                jitter=lambda: 0.5,
            ),
        )

    async def run(self, cursor: str | None = None) -> None:
        async with self.outside, aclosing(self.source.posts(cursor)) as stream:  # type: ignore[type-var]
            async for item in stream:
                self.items.append(item)

    @property
    def callback(self) -> str:
        assert self.source.subscriber is not None
        path = self.hub.requests[-1]["hub.callback"].removeprefix("https://agent.example")
        return f"http://127.0.0.1:{self.source.subscriber.port}{path}"

    @property
    def ids(self) -> list[str]:
        return [item.post.native_id for item in self.items if isinstance(item, Found)]

    async def until(self, check: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not check():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with Hub() as made:
        yield made


@asynccontextmanager
async def running(server: FeedServer, hub: Hub, metrics: Metrics, *numbers: int) -> AsyncIterator[Agent]:
    document = {"body": rss(*numbers)}

    def answer(_: web.Request) -> web.Response:
        return web.Response(
            body=document["body"], content_type=XML, headers={"Link": f'<{hub.url}>; rel="hub"'}
        )

    agent = Agent(server.feed("/a", answer, interval=timedelta(minutes=5)), hub, ManualTime(), metrics)
    task = asyncio.ensure_future(agent.run())
    try:
        await agent.until(lambda: any(isinstance(item, Progress) for item in agent.items) or task.done())
        yield agent
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def test_a_push_comes_at_once_and_polling_gets_seldom(
    server: FeedServer, hub: Hub, metrics: Metrics
) -> None:
    async with running(server, hub, metrics, 1) as agent:
        (asked,) = hub.requests
        assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", f"{server.address}/a")
        answer = await hub.verify(agent.callback)
        assert (answer.status_code, answer.text) == (200, "a challenge")
        assert (await hub.push(agent.callback, rss(2, 1))).status_code == 202
        await agent.until(lambda: "u://2" in agent.ids)
        assert (await hub.push(agent.callback, rss(3), method="sha512")).status_code == 202
        await agent.until(lambda: "u://3" in agent.ids)
        assert [item.cursor is not None for item in agent.items if isinstance(item, Progress)][-1]
        polls = len(server.requests)
        agent.time.move(minutes=5)
        await agent.until(lambda: len(server.requests) == polls + 1)
        await agent.until(lambda: agent.time.pauses.count(3600.0) == 1)
        assert sorted(agent.ids) == ["u://1", "u://2", "u://3"], "what was pushed is not published again"
        agent.time.move(minutes=60)
        await agent.until(lambda: len(hub.requests) == 2)
        assert hub.requests[1] == hub.requests[0], "the lease is renewed, with the same callback and secret"


async def test_a_push_that_is_not_signed_right_is_dropped(
    server: FeedServer, hub: Hub, metrics: Metrics
) -> None:
    async with running(server, hub, metrics, 1) as agent:
        await hub.verify(agent.callback)
        for signature in ("", "sha256=", "sha256=" + "0" * 64, "md5=00", "sha256=é", "nothing"):
            assert (await hub.push(agent.callback, rss(9), signature=signature)).status_code == 202
        assert (await hub.push(agent.callback, rss(9), secret="other")).status_code == 202
        await hub.push(agent.callback, b"<html>", method="sha1")
        await hub.push(agent.callback, rss(2))
        await agent.until(lambda: "u://2" in agent.ids)
        assert "u://9" not in agent.ids
        labels = {"agent": "rss:one", "reason": "bad-signature"}
        assert metrics.registry.get_sample_value("molva_agent_skipped_total", labels) == 7


async def test_only_what_was_asked_for_is_verified(server: FeedServer, hub: Hub, metrics: Metrics) -> None:
    async with running(server, hub, metrics, 1) as agent:
        good = agent.callback
        for changed in (
            {"hub_topic": "https://other.example/"}, {"hub_mode": "unsubscribe"}, {"hub_challenge": ""},
            {"hub_lease_seconds": "-1"},
        ):  # fmt: skip
            assert (await hub.verify(good, **changed)).status_code == 404
        assert (await hub.verify(good[:-4] + "0000")).status_code == 404
        assert (await hub.push(good[:-4] + "0000", rss(9))).status_code == 404
        assert (await hub.verify(good, hub_mode="denied")).status_code == 200
        agent.time.move(minutes=5)
        await agent.until(lambda: agent.time.pauses.count(300.0) == 2)
        assert len(hub.requests) == 1, "a hub that denies is left alone"


async def test_a_hub_that_fails_leaves_polling_as_it_is(
    server: FeedServer, hub: Hub, metrics: Metrics
) -> None:
    hub.status = 500
    async with running(server, hub, metrics, 1) as agent:
        assert agent.ids == ["u://1"]
        await agent.until(lambda: agent.time.pauses.count(300.0) == 1)
        labels = {"agent": "rss:one", "error": "Refused"}
        assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 1


async def test_a_port_that_is_taken_is_told(server: FeedServer, hub: Hub, metrics: Metrics) -> None:
    feed = server.feed("/a", lambda _: web.Response(body=rss(1), content_type=XML))
    agent = Agent(feed, hub, ManualTime(), metrics, port=int(hub.url.rpartition(":")[2].strip("/")))
    with pytest.raises(BadConfiguration, match=r"cannot take pushes of hubs.*choose another"):
        await agent.run()


@pytest.mark.parametrize(
    ("headers", "body", "found"),
    [
        ({"Link": '<https://h/>; rel="hub", <https://t/>; rel="self"'}, b"", ("https://h/", "https://t/")),
        ({"Link": "<https://h/>;rel=hub"}, b"", ("https://h/", "")),
        ({}, b'<atom:link rel="hub" href="https://h/?a=1&amp;b=2"/>', ("https://h/?a=1&b=2", "")),
        (
            {},
            b"<link href='https://h/' rel='hub'/><link rel='self' href='https://t/'/>",
            ("https://h/", "https://t/"),
        ),
        ({"Link": '<https://n/>; rel="next"'}, b"<rss/>", None),
    ],
)
def test_hubs_are_found(headers: dict[str, str], body: bytes, found: tuple[str, str] | None) -> None:
    assert discovered(headers, body) == found


def test_signatures_are_those_of_the_specification() -> None:
    made = "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0"  # HMAC-SHA256("key", "data")
    assert signed(b"data", f"sha256={made}", "key") and signed(b"data", f"SHA256={made.upper()}", "key")
    assert not signed(b"data2", f"sha256={made}", "key") and not signed(b"data", made, "key")
