"""The endpoints to which VK and WebSub hubs push have the guards of the ingest: docs/security-ingest.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest
from pydantic import SecretStr
from yarl import URL

from agents.http.admission import IngestLimits
from agents.manual_time import ManualTime
from agents.rss.feeds import Feed
from agents.rss.websub import Subscriber, WebSub
from agents.surroundings import Surroundings
from agents.vk_callback.door import Door
from pipeline.metrics import Metrics
from tests.agents.http.serving import Wire, wired
from tests.agents.vk_callback.server import GROUP
from tests.agents.vk_callback.test_events import options
from tests.agents.web.opening import local_web

QUICK, LONG = timedelta(seconds=0.3), timedelta(seconds=60)


class Target(NamedTuple):
    """An endpoint, and a request that it answers well."""

    url: URL
    good: bytes
    status: int

    def head(self, *lines: str) -> bytes:
        return "\r\n".join((f"POST {self.url.path} HTTP/1.1", "Host: here", *lines, "", "")).encode()

    async def works(self) -> bool:
        async with wired(self) as wire:
            await wire.send(self.head(f"Content-Length: {len(self.good)}") + self.good)
            return (await wire.answer())[0] == self.status


@asynccontextmanager
async def vk(limits: IngestLimits) -> AsyncIterator[Target]:
    async with Door(options(), limits).opened() as (host, port):
        good = b'{"type": "confirmation", "group_id": %d}' % GROUP
        yield Target(URL(f"http://{host}:{port}/vk"), good, 200)


@asynccontextmanager
async def websub(limits: IngestLimits) -> AsyncIterator[Target]:
    given = WebSub.model_construct(
        callback="https://agent.example/a", host="127.0.0.1", port=0, secret=SecretStr("s")
    )
    feed = Feed.model_validate({"url": "https://feed.example/", "source": "news"})
    async with local_web("http://127.0.0.1:1") as web:
        around = Surroundings(agent="rss:one", web=web, metrics=Metrics(), clock=ManualTime().clock)
        subscriber = Subscriber(given, around, (feed,), limits)
        (path,) = subscriber._paths
        async with subscriber.served():
            yield Target(URL(f"http://127.0.0.1:{subscriber.port}/{path}"), b"unsigned", 202)


Opened = Callable[[IngestLimits], AbstractAsyncContextManager[Target]]
both = pytest.mark.parametrize("opened", [vk, websub])


@both
async def test_slow_heads_are_cut_off(opened: Opened) -> None:
    async with opened(IngestLimits(head=QUICK, idle=LONG)) as target, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wired(target)) for _ in range(20)]
        for wire in wires:
            await wire.send(target.head()[:-3])
        assert await target.works()
        await asyncio.gather(*(wire.ended() for wire in wires))
        assert await target.works()


@both
async def test_slow_bodies_are_refused(opened: Opened) -> None:
    async with opened(IngestLimits(body=QUICK)) as target, wired(target) as wire:
        await wire.send(target.head("Content-Length: 1000") + b"{")
        assert (await wire.answer())[0] == 408
        assert await target.works()


@both
async def test_who_says_nothing_is_cut_off(opened: Opened) -> None:
    async with opened(IngestLimits(head=LONG, idle=QUICK)) as target, wired(target) as silent:
        await silent.ended()


@both
async def test_a_flood_drives_out_the_oldest(opened: Opened) -> None:
    async with opened(IngestLimits(connections=5, head=LONG, idle=LONG)) as target, AsyncExitStack() as stack:
        wires: list[Wire] = []
        for _ in range(40):
            wires.append(await stack.enter_async_context(wired(target)))
        assert await target.works()
        await asyncio.gather(*(wire.ended() for wire in wires[:30]))


@both
async def test_large_bodies_are_refused(opened: Opened) -> None:
    async with opened(IngestLimits(body_bytes=1000)) as target, wired(target) as wire:
        await wire.send(target.head("Content-Length: 5000") + b"x" * 5000)
        assert (await wire.answer())[0] == 413
        assert await target.works()
