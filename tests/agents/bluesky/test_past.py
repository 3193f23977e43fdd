"""Gaps that the stream has forgotten, back-fill, logins, and the limit of requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration
from agents.bluesky.cursor import Cursor, microseconds
from agents.bluesky.gaps import TRIALS
from agents.manual_time import JumpingTime
from agents.rates import Limit
from tests.agents.bluesky.reading import Reader
from tests.agents.bluesky.server import Server
from tests.agents.bluesky.test_reading import watchlist
from tests.agents.telegram.items import ids, last_cursor, posts

LOGIN: dict[str, Any] = {"identifier": "anna.bsky.social", "password": "env:PASSWORD"}


def at(server: Server, **ago: float) -> str:
    return Cursor(time_us=microseconds(server.now - timedelta(**ago))).written()


def errors(reader: Reader, name: str) -> float:
    return float(reader.metrics.agent_errors.labels("bluesky:one", name)._value.get())


async def test_a_gap_of_days_is_told_and_filled_by_searches(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist(bluesky=("bank.bsky.social",)))
    server.page = 10
    reader.time.move(days=-3)
    server.account("bank")
    wanted = []
    for _ in range(40):
        reader.time.move(hours=1)
        wanted += [server.publish("Тепло Банк"), server.publish("любое", by="bank")]
        server.publish("чужое")
    reader.time.move(hours=32)
    async with reader.living(at(server, days=3, hours=1)) as living:
        await living.until(lambda: set(ids(living.items)) >= set(wanted), passing=reader.time)
        items = living.items
    assert set(ids(items)) == set(wanted)
    assert errors(reader, "GapTooLong") == 1
    assert posts(items)[wanted[0]].engagement.likes == 3


async def test_what_the_server_has_forgotten_is_noticed_by_its_first_event(server: Server) -> None:
    """What it still has comes from the stream, without the login that searches want."""
    server.private_search = True
    server.kept = timedelta(hours=2)
    reader = Reader(server, watchlist=watchlist())
    reader.time.move(hours=-6)
    told = []
    for _ in range(12):
        reader.time.move(minutes=30)
        told.append(server.publish("Тепло Банк"))
    kept = set(told[-4:])
    await reader.read(at(server, hours=7), until=lambda items: set(ids(items)) >= kept)
    assert errors(reader, "GapTooLong") == 1


async def test_of_a_long_outage_the_last_day_comes_from_the_stream(server: Server) -> None:
    """Without a login only what the stream has forgotten is lost; with one that is found as well."""
    server.private_search = True
    reader = Reader(server, watchlist=watchlist())
    reader.time.move(hours=-30)
    old = server.publish("Тепло Банк давно")
    reader.time.move(hours=20)
    kept = [server.publish("Тепло Банк"), server.publish("Тепло Банк!")]
    reader.time.move(hours=10)
    last = server.publish("Тепло Банк сейчас")
    async with reader.living(at(server, hours=31)) as living:
        await living.until(lambda: last in ids(living.items))
        await living.until(lambda: errors(reader, "Denied") == 1, passing=reader.time)
        assert ids(living.items) == [*kept, last]
    logged = Reader(server, watchlist=watchlist(), time=reader.time, **LOGIN)
    async with logged.living(at(server, hours=31)) as living:
        await living.until(lambda: old in ids(living.items), passing=reader.time)
    assert sorted(ids(living.items)) == sorted([old, *kept, last])


async def test_the_stream_does_not_wait_for_an_appview_that_is_away(server: Server) -> None:
    server.failing = {"app.bsky.feed.searchPosts"}
    reader = Reader(server, watchlist=watchlist())
    reader.time.move(hours=-30)
    old = server.publish("Тепло Банк давно")
    reader.time.move(hours=30)
    async with reader.living(at(server, hours=31)) as living:
        await living.until(lambda: server.requests["app.bsky.feed.searchPosts"] > 0, passing=reader.time)
        news = server.publish("Тепло Банк")
        await living.until(lambda: news in ids(living.items), passing=reader.time)
        saved = last_cursor(living.items)
        assert len(Cursor.read(saved).gaps) == 1
    server.failing.clear()
    async with reader.living(saved) as again:
        await again.until(lambda: old in ids(again.items), passing=reader.time)
        await again.until(lambda: not Cursor.read(last_cursor(again.items)).gaps, passing=reader.time)


async def test_a_search_that_fails_for_ever_is_told_and_given_up(server: Server) -> None:
    server.failing = {"app.bsky.feed.searchPosts"}
    server.account("bank")
    reader = Reader(server, watchlist=watchlist(bluesky=("bank.bsky.social",)))
    reader.time.move(hours=-30)
    own = server.publish("любое", by="bank")
    reader.time.move(hours=30)
    async with reader.living(at(server, hours=31)) as living:
        await living.until(lambda: own in ids(living.items), passing=reader.time)
        given_up = lambda: errors(reader, "GapNotFilled") == 1  # noqa: E731
        await living.until(given_up, passing=reader.time, seconds=30)
        filled = lambda: not Cursor.read(last_cursor(living.items)).gaps  # noqa: E731
        await living.until(filled, passing=reader.time)
    assert server.requests["app.bsky.feed.searchPosts"] >= TRIALS


async def test_searches_want_a_login_which_is_renewed(server: Server) -> None:
    server.private_search = True
    server.page = 2
    reader = Reader(server, watchlist=watchlist())
    told = []
    for number in range(7):
        told.append(server.publish(f"Тепло Банк {number}"))
        reader.time.move(seconds=1)
    with pytest.raises(BadConfiguration, match=r"to users only \(HTTP 403.*give `identifier` and `password`"):
        await past(reader)
    logged = Reader(server, watchlist=watchlist(), time=reader.time, **LOGIN)
    assert set(await past(logged)) == set(told)
    assert server.requests["com.atproto.server.createSession"] == 1
    server.page = 1

    server.session_ends_after = 10
    assert set(await past(logged)) == set(told)
    assert server.requests["com.atproto.server.refreshSession"] == 1


async def test_a_wrong_password_is_told_without_it(server: Server) -> None:
    server.private_search = True
    reader = Reader(server, watchlist=watchlist(), **LOGIN)
    server.answers.append(web.json_response({"error": "AuthenticationRequired"}, status=401))
    with pytest.raises(BadConfiguration, match="make an app password") as error:
        await past(reader)
    assert "abcd" not in str(error.value)


async def past(reader: Reader, stop: int = 10_000, cursor: str | None = None) -> list[str]:
    found, now = list[str](), reader.time.clock()
    async with reader.web() as opened:
        source = reader.source(opened)
        async for item in source.history(now - timedelta(hours=9), now + timedelta(hours=1), cursor):
            found += ids([item])
            if item.cursor is not None:
                reader.saved = item.cursor  # type: ignore[attr-defined]
            if len(found) >= stop:
                break
    return found


async def test_the_past_is_resumed_at_every_item_though_pages_shift(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist(bluesky=("bank.bsky.social",)))
    server.page = 10
    server.account("bank")
    reader.time.move(hours=-8)
    told = []
    for number in range(45):
        reader.time.move(minutes=10)
        told.append(server.publish(f"Тепло Банк {number}", by="bank" if number % 3 else "anna"))
    for stop in range(1, 45, 9):
        reader.saved = None  # type: ignore[attr-defined]
        some = await past(reader, stop)
        server.publish("Тепло Банк сейчас", by="bank")
        rest = await past(reader, cursor=reader.saved)  # type: ignore[attr-defined]
        assert set(some) | set(rest) >= set(told)


async def test_the_limit_of_requests_is_kept(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist(), time=JumpingTime(server.now))
    server.page = 1
    for number in range(150):
        server.publish(f"Тепло Банк {number}")
        reader.time.move(seconds=1)
    limits = reader.options.effective_limits
    limit = Limit(limits.requests_per_second, limits.burst)
    now = reader.time.clock()
    async with reader.web(limit=limit) as opened_web:
        source = reader.source(opened_web)
        async for _ in source.history(now - timedelta(hours=9), now + timedelta(hours=1), None):
            continue
    assert len(server.times) > 100
    second = timedelta(seconds=1)
    most = max(sum(begin <= each < begin + second for each in server.times) for begin in server.times)
    assert most <= 10 + 3
