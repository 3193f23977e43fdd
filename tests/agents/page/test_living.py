"""A source of pages over time: robots.txt, kills, lists that move, failures, limits, a day."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Found, Progress
from pipeline.core.watchlist import Alias, Watchlist, WatchObject
from tests.agents.day import lives_a_day, traced
from tests.agents.listing.checks import assert_paced, loses_nothing
from tests.agents.page.reading import reader_of
from tests.agents.page.server import NOON, Server
from tests.agents.telegram.items import ids, last_cursor, posts, rounds

FORBIDDING = "User-agent: *\nAllow: /\n\nUser-agent: molva\nDisallow: /html/\nAllow: /html/open\n"


@pytest.mark.parametrize("form", ["html", "ld", "json"])
async def test_a_kill_loses_nothing(site: Server, form: str) -> None:
    for number in range(70):
        reply = "Спасибо" if number % 10 == 0 else ""
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number), reply=reply)
    reader = reader_of(site, form)
    wanted = set(ids(await reader.read()))
    assert len(wanted) == 77
    await loses_nothing(reader, wanted)


@pytest.mark.parametrize("vanishing", [1, 7])
async def test_items_that_vanish_between_two_pages_hide_no_other(site: Server, vanishing: int) -> None:
    made = [site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(70)]

    def vanish(page: int) -> None:
        if page == 2 and len(site.times) == 2:
            for each in made[:vanishing]:
                site.delete(each.number)

    site.after = vanish
    assert set(ids(await reader_of(site).read())) == {str(each.number) for each in made}


async def test_items_that_appear_between_two_pages_come_once(site: Server) -> None:
    for number in range(70):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number + 1))

    def appear(page: int) -> None:
        if len(site.times) <= 3:
            site.publish(f"между {page}")

    site.after = appear
    found = ids(await reader_of(site).read())
    assert sorted(found) == sorted(map(str, site.lists["teplo"]))


async def test_what_robots_txt_forbids_is_told_and_not_asked(site: Server) -> None:
    site.robots = FORBIDDING
    site.publish("отзыв")
    with pytest.raises(BadConfiguration, match=r"/html/teplo: the robots\.txt of the site forbids Molva"):
        await reader_of(site).read()
    assert site.times == []
    site.publish("отзыв", of="open")
    both = [{"url": f"{site.url}/html/{name}"} for name in ("teplo", "open")]
    assert len(ids(await reader_of(site, "html", *both).read())) == 1, "one list may be read"


async def test_a_next_page_that_robots_txt_forbids_is_not_asked(site: Server) -> None:
    site.robots = "User-agent: Molva\nDisallow: /*?page=\n"
    for number in range(30):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(site)
    with pytest.raises(BadConfiguration, match="forbids"):
        await reader.read()
    assert len(site.times) == 1


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (503, 0), (500, 0), (429, 0)])
async def test_a_robots_txt_that_cannot_be_read(site: Server, status: int, asked: int) -> None:
    site.robots = status
    site.publish("отзыв")
    reader = reader_of(site)
    items = await reader.read()
    assert len(site.times) == len(ids(items)) == asked
    assert bool(reader.errors()) is not bool(asked)
    site.robots = ""
    assert len(ids(await reader.read(until=lambda items: bool(ids(items))))) == 1


async def test_robots_txt_is_asked_once_a_day(site: Server) -> None:
    site.publish("отзыв")
    reader = reader_of(site)
    end = NOON + timedelta(days=3)
    await reader.read(until=lambda items: reader.time.clock() >= end)
    assert site.requests["/robots.txt"] in (3, 4)
    assert len(site.times) > 100


async def test_the_delay_that_robots_txt_asks_for_is_kept(site: Server) -> None:
    site.robots = "User-agent: *\nCrawl-delay: 30\n"
    for number in range(100):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    await reader_of(site).read()
    assert len(site.times) == 10
    assert_paced(site.times, 1 / 30, 1)


async def test_one_request_in_five_seconds(site: Server) -> None:
    for number in range(100):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    await reader_of(site).read(limited=True)
    assert len(site.times) == 10
    assert_paced(site.times, 0.2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "120"}},
        {"status": 403, "text": "Forbidden"},
        {"text": "<html>", "content_type": "application/pdf"},
        {"text": "", "content_type": "text/html"},
        {"text": "<div>" * 30_000, "content_type": "text/html"},
        {"text": f"<div {'a=1 ' * 30_000}>", "content_type": "text/html"},
    ],
)
async def test_a_failure_of_a_list_is_counted_and_mended_later(
    site: Server, answer: dict[str, object]
) -> None:
    site.publish("отзыв")
    site.publish("другой", of="other")
    times = 3 if answer.get("status") == 503 else 1
    site.answers = [web.Response(**answer) for _ in range(times)]  # type: ignore[arg-type]
    both = [{"url": f"{site.url}/html/{name}"} for name in ("teplo", "other")]
    reader = reader_of(site, "html", *both)
    items = await reader.read(until=lambda items: len(ids(items)) == 2)
    assert sorted(ids(items)) == ["1", "2"]
    assert sum(reader.errors().values()) == 1


async def test_a_list_that_does_not_exist_is_told(site: Server) -> None:
    site.answers = [web.Response(status=404)]
    with pytest.raises(BadConfiguration, match=r"no such page.*HTTP 404"):
        await reader_of(site).read()


async def test_a_site_that_sends_elsewhere_is_told(site: Server) -> None:
    site.answers = [web.Response(status=302, headers={"Location": "https://elsewhere.example.org/"})]
    with pytest.raises(BadConfiguration, match="no host that this agent is configured for"):
        await reader_of(site).read()


async def test_a_next_page_that_leads_back_ends_the_list(site: Server) -> None:
    site.publish("отзыв")
    page = (
        '<article class="review" data-id="1"><div class="review__text">а</div>'
        '<time class="review__date">вчера</time></article><a class="next" href="/html/teplo">x</a>'
    )
    site.answers = [web.Response(text=page, content_type="text/html") for _ in range(9)]
    assert ids(await reader_of(site).read()) == ["1"]
    assert len(site.times) == 1


@pytest.mark.parametrize("shows", ["first", "last"])
async def test_numbered_pages_of_a_site_that_never_ends(site: Server, shows: str) -> None:
    for number in range(30):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    site.repeats = shows
    address = {"url": f"{site.url}/html/teplo?page={{page}}"}
    reader = reader_of(site, "html", address, next=None, pages=50)
    assert len(ids(await reader.read())) == 30
    assert len(site.times) == 5, "two pages, one that repeats them, and the two again"


async def test_own_lists_of_the_watchlist(site: Server) -> None:
    site.publish("отзыв")
    reader = reader_of(site, "html", {"url": f"{site.url}/html/teplo"})
    (post,) = posts(await reader.read()).values()
    assert not post.channel.own
    watched = WatchObject(
        id="teplo",
        kind="brand",
        name="Тепло Банк",
        aliases=(Alias(text="Тепло Банк"),),
        accounts={"otzyvy": (f"{site.url}/html/teplo",)},
    )
    reader.watchlist = Watchlist((watched,))
    (post,) = posts(await reader.read()).values()
    assert post.channel.own


async def test_a_period_of_the_past(site: Server) -> None:
    made = [site.publish(f"отзыв {number}", at=NOON - timedelta(days=number)) for number in range(150)]
    reader = reader_of(site)
    async with reader.web() as network:
        stream = reader.source(network).history(NOON - timedelta(days=130), NOON - timedelta(days=60), None)
        items = [item async for item in stream]
    found = [item.post.native_id for item in items if isinstance(item, Found)]
    assert sorted(found) == sorted(str(each.number) for each in made[61:131])
    assert isinstance(items[-1], Progress)


async def test_a_long_list_is_not_kept_while_it_is_read(site: Server) -> None:
    count, text = 240, "я" * 4000
    for number in range(count):
        site.publish(f"отзыв {number} {text}", at=NOON - timedelta(hours=number))
    reader, held = reader_of(site, "json"), []
    async with reader.web() as network:
        stream = reader.source(network).history(NOON - timedelta(days=99), NOON + timedelta(days=1), None)
        with traced():
            async for item in stream:
                gc.collect(0)
                if isinstance(item, Found):
                    held.append(tracemalloc.get_traced_memory()[0])
    assert len(held) == count
    grown = min(held[-60:]) - min(held[:60])
    assert grown < 120 * len(text), f"{grown} bytes: a third of what the list says in between"


async def test_a_day(site: Server) -> None:
    site.etags = True
    for number in range(200):
        site.publish(f"отзыв {number}", at=NOON - timedelta(hours=number))
    reader = reader_of(site)

    def news(number: int) -> None:
        if number % 2:
            return
        before = reader.time.clock() - timedelta(minutes=1)
        made = [site.publish(f"новый {number}.{each}", at=before, reply="Спасибо") for each in range(7)]
        site.change(made[0].number - 3, text=f"иначе {number}")

    async with reader.web() as network:
        found = await lives_a_day(
            reader.source(network),
            reader.time,
            news,
            connections=lambda: site.connections,
            most_connections=1,
            largest_cursor=30_000,
        )
    plain = [each for each in found if not each.endswith("@")]
    assert len(plain) == len(set(plain)), "each once"
    assert site.requests["not modified"] > 10


async def test_a_round_of_unreadable_lists_is_tried_again(site: Server) -> None:
    site.publish("отзыв")
    reader = reader_of(site)
    cursor = last_cursor(await reader.read(until=rounds(2)))
    site.answers = [web.Response(status=404)]
    with pytest.raises(BadConfiguration):
        await reader.read(cursor)
    assert ids(await reader.read(cursor)) == []
