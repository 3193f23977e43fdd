"""Sitemaps over time: documents that do not change, that shrink, indexes of which a part cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import Collected, Found, Rejected
from agents.manual_time import NOON, JumpingTime
from agents.rss import sitemap_document, sitemaps
from agents.rss.feeds import Feed
from pipeline.metrics import Metrics
from tests.agents.rss.server import FeedServer, polls, source_of
from tests.agents.rss.test_edits import cursor_of
from tests.agents.rss.test_sitemaps import answer, news, sitemap
from tests.agents.telegram.items import ids


def bare(*numbers: int) -> bytes:
    """A sitemap of addresses without dates."""
    return sitemap(*(f"<url><loc>https://news.example/{number}</loc></url>" for number in numbers))


def titled(*numbers: int) -> bytes:
    """A news sitemap whose titles are there and whose dates are not."""
    return sitemap(
        *(
            f"<url><loc>https://news.example/{number}</loc>"
            f"<news:news><news:title>Новость {number}</news:title></news:news></url>"
            for number in numbers
        )
    )


def index(server: FeedServer, *paths: str) -> bytes:
    return sitemap(
        *(f"<sitemap><loc>{server.address}{path}</loc></sitemap>" for path in paths), root="sitemapindex"
    )


def in_turn(*answers: bytes | int) -> Callable[[web.Request], web.Response]:
    """Each answer once, the last for ever; a number is a status."""
    waiting = list(answers)

    def given(_: web.Request) -> web.Response:
        now = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return web.Response(status=now) if isinstance(now, int) else web.Response(body=now)

    return given


def numbers(items: Sequence[Collected]) -> list[int]:
    return [int(each.rpartition("/")[2]) for each in ids(items)]


def errors(metrics: Metrics, error: str) -> float:
    labels = {"agent": "rss", "error": error}
    return metrics.registry.get_sample_value("molva_agent_errors_total", labels) or 0.0


async def test_the_sitemaps_of_an_index_that_does_not_change_are_asked_again(
    server: FeedServer, metrics: Metrics
) -> None:
    def unchanged(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=index(server, "/inner.xml"), headers={"ETag": '"1"'})

    feed = server.feed("/index.xml", unchanged, format="sitemap")
    server.feed("/inner.xml", in_turn(sitemap(news(1)), sitemap(news(2), news(1))))
    assert numbers(await polls(source_of([feed], metrics, JumpingTime()), 2)) == [1, 2]


async def test_what_a_shorter_document_lacks_is_not_forgotten(server: FeedServer, metrics: Metrics) -> None:
    whole = titled(*range(300))
    feed = server.feed(
        "/map.xml",
        in_turn(
            whole,
            titled(*range(50, 300)),
            titled(*range(999)),
        ),
        format="sitemap",
    )
    assert numbers(await polls(source_of([feed], metrics, JumpingTime()), 3)) == [*range(300, 999)]


@pytest.mark.parametrize("status", [503, 403])
async def test_a_sitemap_of_an_index_that_fails_for_a_while_is_not_published_anew(
    server: FeedServer, metrics: Metrics, status: int
) -> None:
    feed = server.feed("/index.xml", answer(index(server, "/a.xml", "/b.xml")), format="sitemap")
    server.feed("/a.xml", in_turn(titled(*range(300)), titled(*range(301))))
    failures = [status] * (2 if status == 503 else 1)
    server.feed("/b.xml", in_turn(titled(*range(1000, 1300)), *failures, titled(*range(1000, 1301))))
    items = await polls(source_of([feed], metrics, JumpingTime()), 3)
    assert numbers(items) == [300, 1300]
    assert errors(metrics, "Refused" if status == 503 else "SourceUnavailable") == 1


async def test_a_sitemap_of_an_index_that_is_read_later_is_remembered_first(
    server: FeedServer, metrics: Metrics
) -> None:
    feed = server.feed("/index.xml", answer(index(server, "/a.xml", "/b.xml")), format="sitemap")
    server.feed("/a.xml", answer(titled(*range(10))))
    server.feed("/b.xml", in_turn(500, 500, titled(*range(100, 110)), titled(*range(100, 111))))
    items = await polls(source_of([feed], metrics, JumpingTime()), 3)
    assert numbers(items) == [110]
    again = source_of([feed], metrics, JumpingTime(NOON + timedelta(hours=1)))
    server.feed("/b.xml", answer(titled(*range(100, 112))))
    assert numbers(await polls(again, 1, cursor_of(items))) == [111]


async def test_a_sitemap_of_an_index_that_is_gone_or_an_index(server: FeedServer, metrics: Metrics) -> None:
    paths = ("/gone.xml", "/deeper.xml", "/a.xml")
    feed = server.feed("/index.xml", answer(index(server, *paths)), format="sitemap")
    server.feed("/gone.xml", in_turn(404))
    server.feed("/deeper.xml", answer(index(server, "/a.xml")))
    server.feed("/a.xml", answer(sitemap(news(1))))
    assert numbers(await polls(source_of([feed], metrics, JumpingTime()), 1)) == [1]
    assert errors(metrics, "NotAFeed") == 1


async def test_of_many_sitemaps_little_is_kept_at_a_time(
    server: FeedServer, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"/{number}.xml" for number in range(30)]
    feed = server.feed("/index.xml", answer(index(server, *paths)), format="sitemap")
    for number, path in enumerate(paths):
        old = (news(99_000 + each, hours=100) for each in range(40))
        server.feed(path, answer(sitemap(*(news(number * 100 + each) for each in range(70)), *old)))
    threads, sizes = set(), []

    def spied(body: bytes) -> sitemap_document.Sitemap:
        threads.add(threading.current_thread())
        return sitemap_document.parse(body)

    whole = sitemaps.newest

    def measured(
        places: list[sitemap_document.Place], *others: object
    ) -> tuple[list[sitemap_document.Place], int]:
        chosen = whole(places, *others)  # type: ignore[arg-type]
        sizes.append(len(chosen[0]))
        return chosen

    monkeypatch.setattr(sitemaps, "parse", spied)
    monkeypatch.setattr(sitemaps, "newest", measured)
    found = numbers(await polls(source_of([feed], metrics, JumpingTime()), 1))
    assert len(found) == max(sizes) == 1000 and len(sizes) == sitemaps.MAX_SITEMAPS
    assert threading.main_thread() not in threads
    labels = {"agent": "rss", "reason": "too-many"}
    assert metrics.registry.get_sample_value("molva_agent_skipped_total", labels) == 400


def test_pictures_and_films_of_a_page_are_not_taken_for_it() -> None:
    body = (
        b'<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1" '
        b'xmlns:video="http://www.google.com/schemas/sitemap-video/1.1">'
        b"<url><image:image><image:loc>https://news.example/1.jpg</image:loc></image:image>"
        b"<loc>https://news.example/1</loc><lastmod>2026-11-21</lastmod>"
        b"<image:image><image:loc>https://news.example/2.jpg</image:loc><image:title>A</image:title></image:image>"
        b"<video:video><video:title>B</video:title><video:publication_date>2020-01-01</video:publication_date>"
        b"</video:video></url></urlset>"
    )
    (place,) = sitemap_document.parse(body).places
    assert (place.url, place.title) == ("https://news.example/1", "")
    assert place.moment == NOON.replace(hour=0)


def test_long_addresses_that_begin_alike_are_told_apart_and_what_is_no_post_is_a_dead_letter() -> None:
    long = "https://news.example/" + "a" * 400
    body = sitemap(
        *(f"<url><loc>{long}{number}</loc><lastmod>2026-11-21</lastmod></url>" for number in range(2)),
        "<url><loc>https://news.example/old</loc><lastmod>1980-01-01</lastmod></url>",
    )
    feed = Feed(url="https://news.example/map.xml", format="sitemap")  # type: ignore[arg-type]
    made = sitemaps.entries(sitemap_document.parse(body).places, feed, collected_at=NOON)
    assert len({entry.item.post.id for entry in made if isinstance(entry.item, Found)}) == 2
    (bad,) = [entry.item for entry in made if isinstance(entry.item, Rejected)]
    assert bad.origin == "https://news.example/map.xml#https://news.example/old"
