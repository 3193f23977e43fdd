"""An agent none of whose feeds can be read says so, and no longer once one can."""

from __future__ import annotations

from contextlib import aclosing

from aiohttp import web

from agents.base import Progress
from agents.manual_time import JumpingTime
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, rss, source_of


async def test_it_is_told_while_no_feed_can_be_read(server: FeedServer) -> None:
    tries = 0

    def failing_thrice(_: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        return web.Response(status=404) if tries <= 3 else web.Response(body=rss(1), content_type=XML)

    feeds = [
        server.feed("/a", failing_thrice),
        server.feed("/b", lambda _: web.Response(status=404)),
    ]
    source = source_of(feeds, Metrics(), JumpingTime())
    told: list[str] = []
    async with aclosing(source.posts(None)) as stream:  # type: ignore[type-var]
        async for item in stream:
            if isinstance(item, Progress):
                told.append(item.trouble)
                if tries > 3 and not item.trouble:
                    break
    await source.web.close()
    assert told[0] == "", "the other one has not been asked yet"
    trouble = next(each for each in told if each)
    assert trouble.startswith("none of 2 feeds can be read; the last: ") and "404" in trouble
    assert told[-1] == ""
