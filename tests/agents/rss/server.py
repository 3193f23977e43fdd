"""A local server of feeds, and how to poll it, for the tests of `agents.rss.source`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from aiohttp import web

from agents.base import Collected, Progress
from agents.manual_time import ManualTime
from agents.rss.feeds import Feed
from agents.rss.source import RssSource
from pipeline.metrics import Metrics
from tests.agents.web.opening import local_web

XML = "application/rss+xml"


def rss(*numbers: int) -> bytes:
    items = "".join(f"<item><guid>u://{n}</guid><title>text {n}</title></item>" for n in numbers)
    return f'<rss version="2.0"><channel><title>C</title>{items}</channel></rss>'.encode()


class FeedServer:
    """Answers each path with what a test gives; remembers the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[web.Request], web.Response]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.address = ""
        self.runner: web.AppRunner | None = None

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self.runner is not None and self.runner.server is not None
        return len(self.runner.server.connections)

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, dict(request.headers)))
        return self.answers[request.path](request)

    def feed(self, path: str, answer: Callable[[web.Request], web.Response], **options: Any) -> Feed:
        self.answers[path] = answer
        return Feed(url=self.address + path, **options)


def source_of(feeds: list[Feed], metrics: Metrics, time: ManualTime) -> RssSource:
    urls = [str(feed.url) for feed in feeds]
    web = local_web(*urls, time=time, metrics=metrics, agent="rss")
    return RssSource(feeds, metrics, web=web, clock=time.clock, sleep=time.sleep, jitter=lambda: 0.5)


async def polls(source: RssSource, count: int, cursor: str | None = None) -> list[Collected]:
    """The items of the first ``count`` requests."""
    items: list[Collected] = []
    async with source.web, aclosing(source.posts(cursor)) as stream:  # type: ignore[type-var]
        async for item in stream:
            items.append(item)
            count -= isinstance(item, Progress)
            if not count:
                break
    return items
