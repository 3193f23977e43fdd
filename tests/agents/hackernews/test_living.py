"""Windows of the search, limits, a day without growth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from agents.hackernews.api import PAGE
from agents.hackernews.cursor import MAX_ITEMS, MAX_THREADS, Cursor
from agents.hackernews.options import Options
from tests.agents.day import lives_a_day
from tests.agents.hackernews.reading import reader
from tests.agents.hackernews.server import Server
from tests.agents.listing.checks import assert_paced
from tests.agents.telegram.items import ids, kills, last_cursor


async def test_windows_are_halved_and_none_is_missed(site: Server) -> None:
    numbers = [site.publish(f"kafka {n}", time=site.seconds - 7200 + n // 3) for n in range(PAGE * 2 + 100)]
    begins, ends = site.now - timedelta(hours=3), site.now + timedelta(seconds=1)
    found = await reader(site).past(begins, ends)
    assert ids(found) == [str(number) for number in numbers]
    for before, saved in kills(found, None):
        assert set(before) | set(ids(await reader(site).past(begins, ends, saved))) == set(ids(found))


async def test_a_crowded_second_gives_what_the_search_gives(site: Server) -> None:
    for number in range(PAGE * 2 + 100):
        site.publish(f"kafka {number}", time=site.seconds - 60)
    found = await reader(site).past(site.now - timedelta(minutes=2), site.now)
    assert len(set(ids(found))) == 2 * PAGE


async def test_requests_keep_to_the_limit(site: Server) -> None:
    story = site.publish("kafka")
    for number in range(30):
        site.comment(story, f"{number}")
    read = reader(site)
    await read.read(until=read.passed(minutes=5), limited=True)
    assert len(site.times) > 30
    assert_paced(site.times, Options.LIMITS.requests_per_second, Options.LIMITS.burst)


async def test_a_day_without_growth(site: Server) -> None:
    read = reader(site)

    def every_hour(hour: int) -> None:
        story = site.publish(f"kafka {hour}")
        for number in range(5):
            site.comment(story, f"{number}")

    async with read.web() as web:
        found = await lives_a_day(
            read.source(web),
            read.time,
            every_hour,
            connections=lambda: site.connections,
            most_connections=1,
            largest_cursor=20_000,
        )
    assert len(found) == len(set(found)) >= 6 * 22


def test_old_threads_are_forgotten() -> None:
    cursor = Cursor.model_validate({"threads": {day: {"date": 86_400 * day} for day in range(1, 31)}})
    cursor.trim(86_400 * 30, 86_400 * 7)
    assert sorted(cursor.threads) == list(range(23, 31))


async def test_items_that_come_while_pages_are_read_hide_no_other(
    site: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second with more than a page, and windows that are halved, while the search learns of others."""
    monkeypatch.setattr("agents.hackernews.api.PAGE", 40)
    numbers = [site.publish(f"kafka {n}", time=site.seconds - 3600 - n // 3) for n in range(60)]
    numbers += [site.publish(f"kafka {n}", time=site.seconds - 60) for n in range(60)]
    shifted = 0

    def shift(request: web.Request) -> None:
        nonlocal shifted
        if "search" in request.path and shifted < 8:
            shifted += 1
            numbers.append(site.publish("kafka, later", time=site.seconds - 60))
            numbers.append(site.publish("kafka, much later", time=site.seconds - 3605))

    site.before = shift
    read = reader(site, threads=False, search_from="2h")
    found = ids(await read.read(until=read.passed(hours=7)))
    assert sorted(found) == sorted(map(str, numbers)), "each once"


async def test_searches_do_not_wait_for_a_long_thread(site: Server) -> None:
    long = site.publish("kafka, all about it")
    under = [site.comment(long, f"{number}") for number in range(900)]
    late: list[str] = []

    def publish(request: web.Request) -> None:
        if not late and sum(f"/v0/item/{number}.json" in site.requests for number in under) > 50:
            late.append(str(site.publish("kafka again")))

    site.before = publish
    read = reader(site)
    items = await read.read(limited=True, until=lambda items: len(ids(items)) >= 902)
    found = ids(items)
    assert set(found) == {str(long), *late, *map(str, under)}
    assert found.index(late[0]) < 850, "900 comments take seven minutes, the search is asked every five"


async def test_a_thread_that_grows_is_not_read_whole_each_time(site: Server) -> None:
    story = site.publish("kafka")
    first = [site.comment(story, f"{number}") for number in range(100)]
    read = reader(site)
    items = await read.read(until=read.passed(minutes=20))
    before = sum(site.requests.values())
    site.updated.clear()
    deep = site.comment(first[7], "an answer to an answer")
    site.updated.clear()  # nobody tells of it
    items = await read.read(last_cursor(items), until=read.passed(hours=2))
    assert ids(items) == [str(deep)]
    items_read = sum(count for path, count in site.requests.items() if path.startswith("/v0/item/"))
    assert items_read < 2 * 101, f"{before} requests until then"
    edited = first[50]
    site.items[edited]["text"] = "nobody tells of this either"
    items = await read.read(last_cursor(items), until=read.passed(hours=7))
    assert ids(items) == [f"{edited}@"], "every six hours a thread that grew is read whole"


def test_the_largest_cursor_fits() -> None:
    known = {40_000_000 + number: 0xFFFFFFFF for number in range(MAX_ITEMS // MAX_THREADS)}
    cursor = Cursor.model_validate(
        {"threads": {number: {"date": 10**9, "due": 1, "known": known} for number in range(2 * MAX_THREADS)}}
    )
    cursor.trim(10**9, 10)
    assert len(cursor.threads) == MAX_THREADS
    assert len(cursor.written()) < 400_000
    assert Cursor.read(cursor.written()) == cursor
