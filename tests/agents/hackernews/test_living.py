"""Windows of the search, limits, a day without growth."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from agents.base import Found
from agents.hackernews.api import PAGE
from agents.hackernews.cursor import MAX_ITEMS, MAX_THREADS, Cursor
from agents.rates import Limit
from tests.agents.hackernews.reading import reader
from tests.agents.hackernews.server import Server
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
    await read.read(until=read.passed(minutes=5), limit=Limit(0.5, 2))
    assert len(site.times) > 30
    for first, last in zip(site.times, site.times[3:], strict=False):
        assert (last - first).total_seconds() >= 3.9, "two at once, then one every two seconds"


async def test_a_day_without_growth(site: Server) -> None:
    read = reader(site)
    hour = 0
    sizes: list[int] = []

    def live(_: web.Request) -> None:
        nonlocal hour
        if (passed := int(site.now.timestamp() // 3600)) > hour:
            hour = passed
            story = site.publish(f"kafka {hour}")
            for number in range(5):
                site.comment(story, f"{number}")

    site.before = live
    items = await read.read(until=read.passed(hours=24))
    sizes = [len(item.cursor) for item in items if item.cursor is not None]
    found = [item.post.event_id for item in items if isinstance(item, Found)]
    assert len(found) == len(set(found)) >= 6 * 23
    assert sizes[-1] < 20_000
    known = Cursor.read(last_cursor(items))
    known.trim(int(site.now.timestamp()), 3600 * 6)
    assert len(known.threads) <= 7, "old threads are forgotten"


def test_the_largest_cursor_fits() -> None:
    known = {40_000_000 + number: 0xFFFFFFFF for number in range(MAX_ITEMS // MAX_THREADS)}
    cursor = Cursor.model_validate(
        {"threads": {number: {"date": 10**9, "due": 1, "known": known} for number in range(2 * MAX_THREADS)}}
    )
    cursor.trim(10**9, 10)
    assert len(cursor.threads) == MAX_THREADS
    assert len(cursor.written()) < 400_000
    assert Cursor.read(cursor.written()) == cursor
