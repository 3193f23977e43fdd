"""Sitemaps: what is new at a site, by dates and without; indexes, gzip, news; hostile ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from agents.manual_time import NOON, JumpingTime
from agents.rss.feed_document import NotAFeed
from agents.rss.feeds import Feed
from agents.rss.sitemap_document import MAX_ELEMENTS, parse
from agents.rss.sitemaps import WINDOW, entries, newest
from pipeline.metrics import Metrics
from tests.agents.rss.server import FeedServer, polls, source_of
from tests.agents.rss.test_edits import cursor_of, posts

NEWS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


def news(number: int, *, hours: float = 0.0, title: str = "") -> str:
    moment = (NOON - timedelta(hours=hours)).isoformat()
    return (
        f"<url><loc>https://news.example/{number}</loc><news:news><news:publication><news:name>Вести</news:name>"
        f"<news:language>ru</news:language></news:publication><news:publication_date>{moment}</news:publication_date>"
        f"<news:title>{title or f'Новость {number} &amp; 😀'}</news:title></news:news></url>"
    )


def sitemap(*parts: str, root: str = "urlset") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} {NEWS}>{"".join(parts)}</{root}>'.encode()


def answer(*bodies: bytes, kind: str = "application/xml") -> Callable[[web.Request], web.Response]:
    waiting = list(bodies)
    return lambda _: web.Response(body=waiting.pop(0) if len(waiting) > 1 else waiting[0], content_type=kind)


async def test_of_a_news_sitemap_only_new_addresses_are_published(
    server: FeedServer, metrics: Metrics
) -> None:
    first = sitemap(news(2, hours=1), news(1, hours=2), news(0, hours=48))
    second = sitemap(news(3), news(2, hours=1, title="другое"), news(1, hours=2))
    feed = server.feed("/map.xml", answer(first, second), format="sitemap", source="vesti")
    items = await polls(source_of([feed], metrics, JumpingTime()), 2)
    found = posts(items)
    assert [post.id for post in found] == [f"vesti:https://news.example/{number}" for number in (1, 2, 3)]
    assert (found[0].text, found[0].language) == ("Новость 1 & 😀", "ru")
    assert found[0].channel is not None and found[0].channel.name == "Вести"
    assert found[0].created_at == NOON - timedelta(hours=2)
    again = await polls(
        source_of([feed], metrics, JumpingTime(NOON + timedelta(hours=1))), 1, cursor_of(items)
    )
    assert posts(again) == []


async def test_an_index_and_gzip(server: FeedServer, metrics: Metrics) -> None:
    day = NOON.date().isoformat()
    index = sitemap(
        f"<sitemap><loc>{server.address}/new.xml.gz</loc><lastmod>{day}</lastmod></sitemap>",
        f"<sitemap><loc>{server.address}/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>",
        f"<sitemap><loc>{server.address}/broken.xml</loc></sitemap>",
        root="sitemapindex",
    )
    feed = server.feed("/index.xml", answer(index), format="sitemap")
    server.feed("/new.xml.gz", answer(gzip.compress(sitemap(news(1))), kind="application/x-gzip"))
    server.feed("/broken.xml", answer(b"<html>"))
    assert len(posts(await polls(source_of([feed], metrics, JumpingTime()), 1))) == 1
    assert {path for path, _ in server.requests} == {"/index.xml", "/new.xml.gz", "/broken.xml"}


def test_addresses_without_dates_are_remembered_first_and_all_is_bounded() -> None:
    feed = Feed(url="https://news.example/map.xml", format="sitemap")  # type: ignore[arg-type]
    bare = [f"<url><loc>https://news.example/b{number}</loc></url>" for number in range(205)]
    dated = [news(number, hours=0.01 * number) for number in range(105)]
    places, left_out = newest(parse(sitemap(*bare, *dated, news(999, hours=99))).places, NOON - WINDOW, 300)
    assert (len(places), left_out) == (300, 10), "what is old is not left out, but not wanted"
    assert [place.url[21:] for place in (places[0], places[199], places[200], places[299])] == [
        "b0", "b199", "99", "0",
    ]  # fmt: skip
    new = entries((place._replace(first=True) for place in places), feed, collected_at=NOON)
    assert [entry.baseline for entry in new] == [True] * 200 + [False] * 100
    assert not any(entry.baseline for entry in entries(places, feed, collected_at=NOON))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<rss/>", b"{}", b"<urlset><url>", b"\x1f\x8bxx", gzip.compress(b" " * 20 * 1024 * 1024),
        b'<!DOCTYPE a [<!ENTITY x "y">]><urlset>&x;</urlset>',
        b'<?xml version="1.0" encoding="no"?><urlset/>',
        b"<urlset>" + b"<a/>" * MAX_ELEMENTS + b"<a/></urlset>", b"<urlset>" + b"<a>" * MAX_ELEMENTS,
    ],
)  # fmt: skip
def test_what_is_no_sitemap(body: bytes) -> None:
    with pytest.raises(NotAFeed):
        parse(body)


def test_odd_addresses_are_left_out() -> None:
    odd = ["javascript:x", "", "https://" + "a" * 3000, "/relative", "http//[", "https://news.example/ok"]
    body = sitemap(*(f"<url><loc>{each}</loc><lastmod>soon</lastmod></url>" for each in odd))
    assert [place.url for place in parse(body).places] == ["https://news.example/ok"]
