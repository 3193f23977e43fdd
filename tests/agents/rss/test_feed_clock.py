"""The clock of a feed's server against ours."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from agents.manual_time import ManualTime
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, polls, rss, source_of


async def test_the_clock_of_the_server_is_compared_with_ours(server: FeedServer, metrics: Metrics) -> None:
    def answer(date: str, **more: str) -> Callable[[web.Request], web.Response]:
        return lambda _: web.Response(body=rss(1), content_type=XML, headers={"Date": date} | more)

    def unchanged(_: web.Request) -> web.Response:
        return web.Response(status=304, headers={"Date": "Sat, 21 Nov 2026 12:10:00 GMT"})

    feeds = [
        server.feed("/right", answer("Sat, 21 Nov 2026 12:00:01 GMT"), source="press"),
        server.feed("/slow", answer("Sat, 21 Nov 2026 11:55:00 GMT"), source="press"),
        server.feed("/cached", answer("Sat, 21 Nov 2026 10:00:00 GMT", Age="7200"), source="cache"),
        server.feed("/fast", unchanged, source="blog"),
        server.feed("/odd", answer("yesterday"), source="odd"),
    ]
    await polls(source_of(feeds, metrics, ManualTime()), 5)

    def offset(source: str) -> float | None:
        labels = {"agent": "rss", "source": source}
        return metrics.registry.get_sample_value("molva_source_clock_offset_seconds", labels)

    assert (offset("press"), offset("cache"), offset("blog"), offset("odd")) == (-300, 0, 600, None)
