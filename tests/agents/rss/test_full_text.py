"""Whole articles: found in a process that can be killed; where it fails, the summary stays."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest
from aiohttp import web

from agents.manual_time import NOON, JumpingTime
from agents.rss import feed_reading
from agents.rss.full_text import Extractor, NoText
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, polls, source_of
from tests.agents.rss.test_edits import posts
from tests.agents.rss.test_sitemaps import answer, sitemap

if find_spec("trafilatura") is None:
    pytest.skip("the extra `fulltext` is not installed", allow_module_level=True)
WORDS = (
    "Банк объяснил, почему переводы не проходили с утра, и пообещал вернуть деньги клиентам до конца недели. "
)
PAGE = (
    "<html><head><title>Сбой</title></head><body><nav><a href='/'>Главная</a></nav><article><h1>Сбой в "
    "банке</h1>"
    + "".join(f"<p>{WORDS * 3}</p>" for _ in range(4))
    + "</article><footer>Все права защищены</footer></body></html>"
)


def feed_of(server: FeedServer, link: str) -> bytes:
    return (
        f"<rss version='2.0'><channel><item><guid>u://1</guid><link>{server.address}{link}</link>"
        "<title>Сбой в банке</title><description>Коротко</description></item></channel></rss>"
    ).encode()


@pytest.mark.parametrize(
    ("page", "status", "whole"),
    [(PAGE, 200, True), ("<html><body></body></html>", 200, False), (PAGE, 404, False), (PAGE, 500, False)],
    ids=["article", "empty", "gone", "error"],
)
async def test_the_article_takes_the_place_of_the_summary(
    server: FeedServer, metrics: Metrics, page: str, status: int, whole: bool
) -> None:
    server.answers["/1"] = lambda _: web.Response(text=page, status=status, content_type="text/html")
    feed = server.feed(
        "/a", lambda _: web.Response(body=feed_of(server, "/1"), content_type=XML), full_text=True
    )
    (post,) = posts(await polls(source_of([feed], metrics, JumpingTime()), 1))
    assert post.text.startswith("Сбой в банке\n")
    assert ("вернуть деньги" in post.text) is whole
    assert "Главная" not in post.text and "Все права" not in post.text


async def test_an_article_elsewhere_is_not_asked_for(server: FeedServer, metrics: Metrics) -> None:
    body = feed_of(server, "/1").replace(server.address.encode(), b"https://elsewhere.example")
    feed = server.feed("/a", lambda _: web.Response(body=body, content_type=XML), full_text=True)
    (post,) = posts(await polls(source_of([feed], metrics, JumpingTime()), 1))
    assert post.text == "Сбой в банке\nКоротко"


async def test_pages_of_a_sitemap_without_titles(server: FeedServer, metrics: Metrics) -> None:
    server.answers["/1"] = lambda _: web.Response(text=PAGE, content_type="text/html")
    server.answers["/2"] = lambda _: web.Response(text="<p></p>", content_type="text/html")
    server.answers["/3"] = lambda _: web.Response(status=500)
    urls = "".join(
        f"<url><loc>{server.address}/{number}</loc><lastmod>{NOON.isoformat()}</lastmod></url>"
        for number in (1, 2, 3)
    )
    feed = server.feed("/map.xml", answer(sitemap(urls)), format="sitemap", full_text=True)
    source = source_of([feed], metrics, JumpingTime())
    found = posts(await polls(source, 2))
    assert [post.native_id for post in found] == [f"{server.address}/1"] and "вернуть деньги" in found[0].text
    asked = [path for path, _ in server.requests]
    assert (asked.count("/1"), asked.count("/2")) == (1, 1) and asked.count("/3") >= 2, (
        "only what may pass is tried"
    )


async def test_articles_that_wait_are_read_though_the_sitemap_does_not_change(
    server: FeedServer, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_reading, "MOST_ARTICLES", 2)
    statuses = {"/0": [200], "/1": [200], "/2": [500, 500, 500, 500, 200]}
    for path, given in statuses.items():
        server.answers[path] = lambda _, given=given: web.Response(  # type: ignore[misc]
            text=PAGE, status=given.pop(0) if len(given) > 1 else given[0], content_type="text/html"
        )
    urls = "".join(
        f"<url><loc>{server.address}{path}</loc><lastmod>{NOON.isoformat()}</lastmod></url>"
        for path in statuses
    )

    def unchanged(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=sitemap(urls), headers={"ETag": '"1"'})

    feed = server.feed("/map.xml", unchanged, format="sitemap", full_text=True)
    items = await polls(source_of([feed], metrics, JumpingTime()), 4)
    assert [post.native_id[-2:] for post in posts(items)] == ["/1", "/0", "/2"]
    asked = [headers.get("If-None-Match") for path, headers in server.requests if path == "/map.xml"]
    assert asked == [None, None, None, '"1"'], "once nothing waits any more, the sitemap may stay as it is"


async def test_a_page_that_takes_too_long_ends_the_process_not_the_agent() -> None:
    slow = Extractor(0.3, (sys.executable, "-c", "import time; time.sleep(60)"))
    for _ in range(2):
        with pytest.raises(NoText, match="too long"):
            await slow.text(PAGE)
    dying = Extractor(20, (sys.executable, "-c", "raise SystemExit"))
    with pytest.raises(NoText):
        await dying.text(PAGE)
    await dying.close()


async def test_odd_pages_do_not_end_the_process() -> None:
    extractor = Extractor()
    try:
        for page in ("", "\x00", "<" * 1000, "<div>" * 3000, "\ud800"):
            with pytest.raises(NoText):
                await extractor.text(page)
        assert "вернуть деньги" in await extractor.text(PAGE)
    finally:
        await extractor.close()
