"""A simulated day of feeds, of sitemaps, and of feeds that hubs push: nothing grows without end."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from aiohttp import web

from agents.manual_time import JumpingTime, ManualTime
from agents.rss.kind import CURSOR_BYTES
from agents.rss.source import RssSource
from agents.waiting import cancel
from pipeline.metrics import Metrics
from tests.agents.day import lives_a_day
from tests.agents.rss.hub import Hub
from tests.agents.rss.server import XML, FeedServer, rss
from tests.agents.rss.test_sitemap_changes import bare, index
from tests.agents.rss.test_sitemaps import news, sitemap
from tests.agents.rss.test_websub import Agent
from tests.agents.web.opening import local_web

AN_HOUR = 20
SHOWN = 60
LEASE_SECONDS = 9000


async def test_a_day_of_feeds_and_sitemaps(server: FeedServer, metrics: Metrics) -> None:
    """Each hour 20 new entries a feed and 20 new addresses a sitemap; one of an index fails at times."""
    now = {"hour": 0}

    def shown(first: int = 0) -> range:
        last = first + SHOWN + AN_HOUR * now["hour"]
        return range(last - SHOWN, last)

    def feed(request: web.Request) -> web.Response:
        tag = f'"{now["hour"]}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(body=rss(*shown()), content_type=XML, headers={"ETag": tag})

    def part(_: web.Request) -> web.Response:
        if now["hour"] % 5 == 4:
            return web.Response(status=503)
        return web.Response(body=sitemap(*(news(number) for number in shown(50_000))))

    feeds = [server.feed(f"/{number}", feed, interval=timedelta(minutes=30)) for number in range(2)]
    inside = index(server, "/news.xml", "/bare.xml")
    feeds.append(
        server.feed(
            "/map.xml", lambda _: web.Response(body=inside), format="sitemap", interval=timedelta(minutes=55)
        )
    )
    server.feed("/news.xml", part)
    server.feed("/bare.xml", lambda _: web.Response(body=bare(*shown(90_000))))
    time = JumpingTime()
    outside = local_web(server.address, time=time, metrics=metrics, agent="rss")
    source = RssSource(
        feeds,
        metrics,
        web=outside,
        clock=time.clock,
        sleep=time.sleep,
        jitter=lambda: 0.5,
        cursor_bytes=CURSOR_BYTES,
    )
    async with outside:
        found = await lives_a_day(
            source,
            time,
            lambda hour: now.update(hour=hour),
            connections=lambda: server.connections,
            most_connections=len(feeds),
            largest_cursor=150_000,
        )
    of_feeds = [each for each in found if each.startswith("u://")]
    of_sitemap = [each for each in found if each not in of_feeds]
    assert len(of_feeds) == 2 * (SHOWN + 23 * AN_HOUR), "each once in each feed"
    assert len(of_sitemap) == len(set(of_sitemap)) > 20 * AN_HOUR


async def test_a_day_of_pushes(server: FeedServer, metrics: Metrics) -> None:
    """Leases that are renewed in time, and a push in each hour; polls bring nothing twice."""
    document = {"body": rss(*range(SHOWN))}

    async with Hub() as hub:
        head = {"Link": f'<{hub.url}>; rel="hub"'}
        feed = server.feed(
            "/a",
            lambda _: web.Response(body=document["body"], content_type=XML, headers=head),
            interval=timedelta(minutes=5),
        )
        agent = Agent(feed, hub, ManualTime(), metrics)
        told: set[asyncio.Future[None]] = set()

        async def tell(hour: int) -> None:
            new = range(SHOWN + 5 * (hour - 1), SHOWN + 5 * hour)
            document["body"] = rss(*range(new.stop - SHOWN, new.stop))
            assert (await hub.push(agent.callback, rss(*new))).status_code == 202

        async def verify() -> None:
            for asked in itertools.count(1):
                while len(hub.requests) < asked:  # noqa: ASYNC110 (a server's state)
                    await asyncio.sleep(0.001)
                answer = await hub.verify(agent.callback, hub_lease_seconds=str(LEASE_SECONDS))
                assert answer.status_code == 200

        async with agent.outside:
            verifying = asyncio.ensure_future(verify())
            found = await lives_a_day(
                agent.source,
                agent.time,
                lambda hour: told.add(asyncio.ensure_future(tell(hour))),
                connections=lambda: server.connections,
                most_connections=1,
                largest_cursor=20_000,
            )
            await asyncio.gather(*told)
            await cancel(verifying)
    assert sorted(found) == sorted(f"u://{number}" for number in range(SHOWN + 5 * 23)), "each once"
    assert len(hub.requests) > 24 * 3600 / LEASE_SECONDS, "leases are renewed"
    assert len(server.requests) < 40, "while a lease holds, one poll an hour"
