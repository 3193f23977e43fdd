"""Polling feeds from a real local server: conditional requests, limits, failures, and going on."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import Collected, CursorCorrupt, Found, Progress
from agents.manual_time import NOON, JumpingTime, ManualTime
from agents.rss.feed_client import MAX_BYTES
from agents.rss.feeds import LIMIT, Feed
from agents.rss.source import MIN_SEEN, RssCursor, RssSource
from agents.web import Reach, Web
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, polls, rss, source_of
from tests.agents.web.opening import quiet_traffic

NOW = "Sat, 21 Nov 2026 12:00:00 GMT"


def ids(items: list[Collected]) -> list[str]:
    return [item.post.native_id for item in items if isinstance(item, Found)]


def last_cursor(items: list[Collected]) -> str:
    return [item.cursor for item in items if item.cursor is not None][-1]


async def test_only_new_entries_are_yielded_also_after_a_restart(
    server: FeedServer, metrics: Metrics
) -> None:
    documents = iter([rss(2, 1), rss(3, 2, 1), rss(4, 3)])
    feed = server.feed("/a", lambda _: web.Response(body=next(documents), content_type=XML))
    items = await polls(source_of([feed], metrics, JumpingTime()), 2)
    assert sorted(ids(items)) == ["u://1", "u://2", "u://3"]
    later = JumpingTime(NOON + timedelta(hours=1))
    assert ids(await polls(source_of([feed], metrics, later), 1, last_cursor(items))) == ["u://4"]


async def test_requests_are_conditional(server: FeedServer, metrics: Metrics) -> None:
    def answer(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(
            body=rss(1),
            content_type=XML,
            headers={"ETag": '"1"', "Last-Modified": "Sat, 21 Nov 2026 11:00:00 GMT"},
        )

    feed = server.feed("/a", answer)
    items = await polls(source_of([feed], metrics, JumpingTime()), 3)
    assert ids(items) == ["u://1"]
    seen = [
        (headers.get("If-None-Match"), headers.get("If-Modified-Since")) for _, headers in server.requests
    ]
    assert seen == [(None, None)] + [('"1"', "Sat, 21 Nov 2026 11:00:00 GMT")] * 2
    assert [item.cursor is not None for item in items if isinstance(item, Progress)] == [True, False, False]


async def test_each_feed_has_its_interval_and_a_restart_waits_for_it(
    server: FeedServer, metrics: Metrics
) -> None:
    time = JumpingTime()
    feed = server.feed(
        "/a", lambda _: web.Response(body=rss(1), content_type=XML), interval=timedelta(minutes=7)
    )
    items = await polls(source_of([feed], metrics, time), 3)
    assert time.pauses == [420.0, 420.0]
    restarted = JumpingTime(time.clock())
    await polls(source_of([feed], metrics, restarted), 1, last_cursor(items))
    assert restarted.pauses == [420.0]


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", 300.0),
        ("900", 900.0),
        ("Sat, 21 Nov 2026 12:10:00 GMT", 600.0),
        ("99999999", 86_400.0),
        ("soon", 300.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_respected(
    server: FeedServer, metrics: Metrics, status: int, header: str, pause: float
) -> None:
    time = JumpingTime()
    feed = server.feed(
        "/a", lambda _: web.Response(status=status, headers={"Retry-After": header, "Date": NOW})
    )
    await polls(source_of([feed], metrics, time), 2)
    assert time.pauses[0] == pytest.approx(pause, abs=1)


async def test_a_failing_feed_backs_off_and_holds_no_other_up(server: FeedServer, metrics: Metrics) -> None:
    time = JumpingTime()
    bad = server.feed("/bad", lambda _: web.Response(status=500))
    items = await polls(source_of([bad], metrics, time), 5)
    assert time.pauses == [300.0, 600.0, 1200.0, 2400.0]
    assert all(item.cursor is None for item in items)
    labels = {"agent": "rss", "error": "Refused"}
    assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 5
    good = server.feed("/good", lambda _: web.Response(body=rss(1), content_type=XML))
    items = await polls(source_of([bad, good], metrics, ManualTime()), 2)
    assert ids(items) == ["u://1"]
    assert [item.caught_up for item in items if isinstance(item, Progress)] == [False, True]


async def test_a_server_that_is_not_there(metrics: Metrics, unused_tcp_port: int) -> None:
    feed = Feed(url=f"http://127.0.0.1:{unused_tcp_port}/")  # type: ignore[arg-type]
    await polls(source_of([feed], metrics, JumpingTime()), 1)
    labels = {"agent": "rss", "error": "Unanswered"}
    assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 1


def redirect(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/loop"})


def gzipped(body: bytes) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(
        body=gzip.compress(body), content_type=XML, headers={"Content-Encoding": "gzip"}
    )


HOSTILE: dict[str, Callable[[web.Request], web.Response]] = {
    "a loop of redirects": redirect,
    "too large": lambda _: web.Response(body=rss(1) + b" " * MAX_BYTES, content_type=XML),
    "a gzip bomb": gzipped(b" " * 20 * MAX_BYTES),
    "a cut gzip": lambda _: web.Response(
        body=gzip.compress(rss(1))[:-9], content_type=XML, headers={"Content-Encoding": "gzip"}
    ),
    "no gzip": lambda _: web.Response(body=rss(1), content_type=XML, headers={"Content-Encoding": "gzip"}),
    "an unknown encoding": lambda _: web.Response(
        body=b"x", content_type=XML, headers={"Content-Encoding": "br"}
    ),
    "a page": lambda _: web.Response(text="<html><body>hello</body></html>", content_type="text/html"),
    "a picture": lambda _: web.Response(body=rss(1), content_type="image/png"),
    "a page that says XML": lambda _: web.Response(text="<html/>", content_type="text/xml"),
    "gone": lambda _: web.Response(status=410),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_a_hostile_answer_is_an_error_of_its_feed(
    server: FeedServer, metrics: Metrics, name: str
) -> None:
    items = await polls(source_of([server.feed("/loop", HOSTILE[name])], metrics, JumpingTime()), 1)
    (item,) = items
    assert isinstance(item, Progress) and item.cursor is None and item.caught_up
    assert item.trouble.startswith("none of 1 feeds can be read")


async def test_a_feed_at_a_private_address_is_told_and_holds_nothing_up(
    server: FeedServer, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    feed, time = server.feed("/a", lambda _: web.Response(body=rss(1), content_type=XML)), ManualTime()
    async with Web("rss", Reach.of(str(feed.url)), quiet_traffic(time, metrics), limit=LIMIT) as outside:
        source = RssSource([feed], metrics, web=outside, clock=time.clock, sleep=time.sleep)
        (item,) = await polls(source, 1)
        assert isinstance(item, Progress) and item.cursor is None and item.caught_up
    assert f"add {feed.url.host}:{feed.url.port} to MOLVA_AGENT_PRIVATE_HOSTS" in caplog.text
    assert server.requests == []


@pytest.mark.parametrize(
    "kind", ["text/html", "text/plain", "application/octet-stream", "application/atom+xml"]
)
async def test_a_feed_under_a_wrong_type_is_read(server: FeedServer, metrics: Metrics, kind: str) -> None:
    feed = server.feed("/a", lambda _: web.Response(body=rss(1), content_type=kind))
    assert ids(await polls(source_of([feed], metrics, JumpingTime()), 1)) == ["u://1"]


async def test_redirects_and_gzip_are_followed(server: FeedServer, metrics: Metrics) -> None:
    server.feed("/there", gzipped(rss(1)))
    feed = server.feed("/a", lambda _: web.Response(status=301, headers={"Location": "/there"}))
    assert ids(await polls(source_of([feed], metrics, JumpingTime()), 1)) == ["u://1"]


async def test_what_is_remembered_is_bounded_and_covers_the_document(
    server: FeedServer, metrics: Metrics
) -> None:
    documents = iter([rss(*range(600)), rss(*range(500, 700)), rss(*range(690, 900))])
    feed = server.feed("/a", lambda _: web.Response(body=next(documents), content_type=XML))
    items = await polls(source_of([feed], metrics, JumpingTime()), 3)
    assert sorted(ids(items)) == sorted(f"u://{number}" for number in range(900))
    (state,) = RssCursor.model_validate_json(last_cursor(items)).feeds.values()
    assert len(state.seen) == max(2 * 210, MIN_SEEN)


async def test_a_damaged_cursor_is_told(metrics: Metrics) -> None:
    feed = Feed(url="http://127.0.0.1/")  # type: ignore[arg-type]
    with pytest.raises(CursorCorrupt):
        await polls(source_of([feed], metrics, JumpingTime()), 1, "{}x")


async def test_a_stopped_source_leaves_no_task_behind(server: FeedServer, metrics: Metrics) -> None:
    feeds = [server.feed(f"/{n}", lambda _: web.Response(body=rss(1), content_type=XML)) for n in range(5)]
    before = asyncio.all_tasks()
    await polls(source_of(feeds, metrics, JumpingTime()), 2)
    assert {task for task in asyncio.all_tasks() - before if "RssSource" in repr(task)} == set()


def test_the_grace_covers_the_interval_up_to_a_limit(metrics: Metrics) -> None:
    def grace(interval: timedelta) -> timedelta:
        return source_of([Feed(url="http://a.example", interval=interval)], metrics, JumpingTime()).grace  # type: ignore[arg-type]

    assert grace(timedelta(minutes=2)) == timedelta(minutes=7)
    assert grace(timedelta(days=1)) == timedelta(minutes=15)
