"""Servers that fail, accounts that close, damaged messages, and a day of simulated time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Found, Progress, Rejected, SourceUnavailable
from agents.bluesky.cursor import Cursor, microseconds
from agents.bluesky.options import Options
from agents.manual_time import JumpingTime
from tests.agents.bluesky.reading import Living, Reader
from tests.agents.bluesky.server import Server
from tests.agents.bluesky.test_reading import watchlist
from tests.agents.telegram.items import ids, posts


def errors(reader: Reader, name: str) -> float:
    return float(reader.metrics.agent_errors.labels("bluesky:one", name)._value.get())


async def test_posts_are_not_held_up_by_an_appview_that_is_away(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await opened(living, server)
        server.answers += [web.Response(status=500) for _ in range(3)]
        server.publish("Тепло Банк")
        await living.until(lambda: len(ids(living.items)) == 1, passing=reader.time)
        (post,) = posts(living.items).values()
        assert (post.author.handle, post.author.id) == ("", post.native_id[5:].partition("/")[0])
        again = server.publish("Тепло Банк!")
        await living.until(lambda: again in ids(living.items), passing=reader.time)
    assert posts(living.items)[again].author.handle == "anna.bsky.social"
    assert errors(reader, "NoProfiles") == 1


async def test_profiles_are_asked_for_in_batches_and_renamed(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await opened(living, server)
        for number in range(60):
            server.publish("Тепло Банк", by=f"name{number}")
        await living.until(lambda: len(ids(living.items)) == 60)
        assert max(len(each["actors"]) for each in server.asked) <= 25
        asked = server.requests["app.bsky.actor.getProfiles"]
        server.rename("name7", "new.example")
        last = server.publish("Тепло Банк", by="name7")
        await living.until(lambda: last in ids(living.items))
    assert posts(living.items)[last].author.handle == "new.example"
    assert server.requests["app.bsky.actor.getProfiles"] == asked


async def test_of_an_account_that_is_deleted_what_is_remembered_goes(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await opened(living, server)
        mine = [server.publish(f"Тепло Банк {number}") for number in range(2)]
        other = server.publish("Тепло Банк", by="ivan")
        server.close_account("ivan", "suspended")
        await living.until(lambda: other in ids(living.items))
        server.close_account("anna")
        await living.until(lambda: len(ids(living.items)) == 5)
    assert ids(living.items)[3:] == [f"-{each}" for each in mine]


async def test_answers_to_own_accounts_are_kept_whatever_they_say(server: Server) -> None:
    server.account("bank")
    reader = Reader(server, watchlist=watchlist(bluesky=("bank.bsky.social",)), languages=["ru"])
    async with reader.living() as living:
        await opened(living, server)
        own = server.publish("hello", by="bank", langs=["en"])
        ref = {"uri": own, "cid": "x"}
        answer = server.publish("спасибо", reply={"parent": ref, "root": ref})
        server.publish("Тепло Банк", langs=["fi"])
        silent = server.publish("Тепло Банк", langs=[])
        await living.until(lambda: silent in ids(living.items))
    assert ids(living.items) == [own, answer, silent]
    found = posts(living.items)
    assert (found[own].author.own, found[own].channel.own, found[answer].author.own) == (True, True, False)


async def test_damaged_messages_are_dead_letters(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await opened(living, server)
        await server.send("{")
        await server.send('{"kind": "info"}')
        uri = server.publish("Тепло Банк")
        await living.until(lambda: uri in ids(living.items))
    assert [item.reason for item in living.items if isinstance(item, Rejected)] == ["not_json", "invalid"]


async def test_where_no_server_answers_the_runner_waits(server: Server) -> None:
    server.socket_status = 503
    reader = Reader(server, watchlist=watchlist(), time=JumpingTime(server.now))
    with pytest.raises(SourceUnavailable, match="none of the Jetstream servers answers"):
        await reader.read()


async def test_accounts_that_do_not_exist(server: Server) -> None:
    with pytest.raises(BadConfiguration, match=r"knows none of the accounts nobody.bsky.social"):
        await Reader(server, accounts=["nobody.bsky.social"], only_accounts=True).read()
    with pytest.raises(BadConfiguration, match="nothing to look for"):
        await Reader(server).read()


async def test_silent_accounts_move_the_cursor_by_the_clock(server: Server) -> None:
    server.account("bank")
    reader = Reader(server, accounts=["bank.bsky.social"], only_accounts=True)
    async with reader.living() as living:
        await opened(living, server)
        for _ in range(300):
            reader.time.move(minutes=1)
            await asyncio.sleep(0.005)
        await living.until(lambda: moved(living) > microseconds(server.now), passing=reader.time)
    assert any(isinstance(item, Progress) and item.caught_up for item in living.items)
    assert moved(living) <= microseconds(reader.time.clock() - timedelta(hours=1))


def moved(living: Living) -> int:
    cursors = [Cursor.read(item.cursor).time_us or 0 for item in living.items if item.cursor]
    return cursors[-1]


async def opened(living: Living, server: Server) -> None:
    await living.until(lambda: bool(server.sockets))


def test_options_name_what_is_wrong() -> None:
    def options(**given: object) -> Options:
        return Options.model_validate({"name": "one", "kind": "bluesky", **given})

    with pytest.raises(ValueError, match="is no account"):
        options(accounts=["anna"])
    with pytest.raises(ValueError, match="go together"):
        options(identifier="anna.bsky.social")
    named = ["@Anna.bsky.social", "https://bsky.app/profile/ivan.example", "did:plc:abc"]
    assert options(accounts=named).accounts == ("anna.bsky.social", "ivan.example", "did:plc:abc")
    assert "https://bsky.social" not in options().hosts()


async def test_a_day_leaves_nothing_behind(server: Server) -> None:
    """24 h with a post every 30 s and a lost stream every two hours: nothing grows."""
    reader = Reader(server, watchlist=watchlist())
    sizes, tasks = list[int](), list[int]()
    told = set[str]()
    found = set[str]()
    async with reader.living() as living:
        for hour in range(24):
            await living.until(lambda: bool(server.sockets), passing=reader.time)
            for number in range(120):
                server.publish("другое")
                told.add(server.publish(f"Тепло Банк {number}", by=f"name{number}"))
                reader.time.move(seconds=30)
            await living.until(partial(_has, living, told - found))
            found |= set(ids(living.items))
            sizes.append(max(len(item.cursor) for item in living.items if item.cursor))
            tasks.append(len(asyncio.all_tasks()))
            living.items[:] = [item for item in living.items[-5:] if not isinstance(item, Found)]
            if hour % 2:
                await server.hang_up()
                await living.until(lambda: not server.sockets)
    assert len(told) == 24 * 120
    assert max(sizes[20:]) <= max(sizes[17:20]) + 100, "2,000 posts are remembered after 17 hours"
    assert max(sizes) < 120_000
    assert max(tasks) <= min(tasks) + 3


def _has(living: Living, wanted: set[str]) -> bool:
    return wanted <= set(ids(living.items))
