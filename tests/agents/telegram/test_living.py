"""Running for long: pushed news, limits, a day without growth; and a period of the past."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from agents.base import Found, Progress
from agents.rates import Limit
from agents.web import Forbidden, Reach, Traffic, Web
from agents.web.addresses import place
from tests.agents.day import lives_a_day
from tests.agents.telegram.items import ids, kills, last_cursor
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server


async def test_pushed_news_is_read_at_once(telegram: Server) -> None:
    room = telegram.world.room("teplobank", joined=True)
    other = telegram.world.room("elsewhere", joined=True)
    telegram.publish(room, "новость")
    reader = Reader(telegram, "teplobank")
    await telegram.push()
    reader.time.sleep = _never  # type: ignore[method-assign]
    began = reader.time.clock()
    items = []
    async with reader.web() as web, aclosing(reader.source(web).posts(None)) as stream:  # type: ignore[type-var]
        async for item in stream:
            items.append(item)
            if isinstance(item, Progress) and item.caught_up and room.newest == 1:
                reader.time.move(seconds=4)
                telegram.publish(other, "не наше")
                telegram.publish(room, "срочно")
                await telegram.push()
            if len(ids(items)) == 2:
                break
    assert ids(items) == ["teplobank/1", "teplobank/2"]
    assert reader.time.clock() - began == timedelta(seconds=4), "nothing was waited for"


async def _never(seconds: float) -> None:
    await asyncio.Event().wait()


async def test_channels_are_joined_only_where_it_is_wanted(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "новость")
    await Reader(telegram, "teplobank").read()
    assert not room.joined
    await Reader(telegram, "teplobank", join=True).read()
    assert room.joined


async def test_a_limit_for_joining_keeps_nobody_from_reading(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "новость")
    telegram.failures.append(("JoinChannel", 400, "CHANNELS_TOO_MUCH"))
    assert ids(await Reader(telegram, "teplobank", join=True).read()) == ["teplobank/1"]


async def test_requests_keep_to_the_limit(telegram: Server) -> None:
    for number in range(12):
        room = telegram.world.room(f"bank_{number}")
        telegram.publish(room, "новость")
    reader = Reader(telegram, *(f"bank_{number}" for number in range(12)))
    async with reader.web(limit=Limit(2.0, 5)) as web:
        await reader.read(web=web)
    told = sorted(telegram.times)
    assert len(told) > 50
    for first, last in zip(told, told[7:], strict=False):
        assert last - first >= timedelta(seconds=0.99), "at most 5 at once and 2 in each second"


async def test_a_day_without_growth(telegram: Server) -> None:
    world = telegram.world
    rooms = [world.room(f"bank_{number}") for number in range(3)]
    for room in rooms:
        world.discussed(room, f"{room.handle}_chat")
        telegram.publish(room, "первая")
        world.person(room.id, "Пётр")
    reader = Reader(telegram, *(f"bank_{number}" for number in range(3)))

    def every_hour(hour: int) -> None:
        world.now = reader.time.clock()
        for room in rooms:
            last = telegram.publish(room, f"час {hour}", at=world.now)
            world.comment(room, last.id, "комментарий", room.id)

    async with reader.web() as web:
        found = await lives_a_day(
            reader.source(web),
            reader.time,
            every_hour,
            connections=lambda: telegram.most_connections,
            most_connections=1,
            largest_cursor=4_000,
        )
    assert len(found) == len(set(found)) >= 3 * 2 * 23
    assert telegram.most_connections == 1
    assert telegram.requests["ResolveUsername"] == 3
    assert len(telegram.times) < 2 * 3 * 24 * 60, "silent channels are asked seldom"


async def test_a_period_of_the_past_is_read_whole_also_after_kills(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    for closed in (False, True):
        world.person(5, "Пётр")
        world.discussed(room, None, closed=closed)
        for day in range(20):
            at = world.now - timedelta(days=20 - day)
            post = telegram.publish(room, f"день {day}", at=at)
            world.now, now = at, world.now
            world.comment(room, post.id, f"к дню {day}", 5)
            world.now = now
        since, until = world.now - timedelta(days=15), world.now - timedelta(days=5)
        reader = Reader(telegram, "teplobank")
        whole = await reader.past(since, until)
        dated = [item.post for item in whole if isinstance(item, Found)]
        inside = {post.native_id for post in dated if since <= post.created_at < until}
        assert len(inside) == 2 * 10
        assert all(post.created_at >= since for post in dated)
        for before, saved in kills(whole, None):
            rest = ids(await reader.past(since, until, saved))
            assert inside <= set(before) | set(rest)
        assert ids(await reader.past(since, until, last_cursor(whole))) == []
        room = world.room("other_bank") if not closed else room
        if not closed:
            telegram.world.rooms[room.id].handle = "teplobank"
            next(iter(world.rooms.values())).handle = "former"


async def test_private_addresses_are_asked_only_where_that_is_allowed(telegram: Server) -> None:
    reader = Reader(telegram, "teplobank")
    traffic = Traffic(reader.metrics, clock=reader.time.clock, sleep=reader.time.sleep)
    async with Web("telegram:one", Reach.of(*reader.options.hosts()), traffic, limit=Limit(10.0, 10)) as web:
        with pytest.raises(Forbidden, match="loopback"):
            await reader.read(web=web)
    assert telegram.most_connections == 0


def test_the_address_of_the_session_is_what_the_agent_may_ask(telegram: Server) -> None:
    reader = Reader(telegram, "teplobank")
    assert reader.options.hosts() == (place("127.0.0.1", telegram.port),)
