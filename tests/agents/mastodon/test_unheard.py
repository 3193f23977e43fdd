"""Edits and deletions that no stream told: during an outage, a restart, or where a server streams nothing."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import Collected
from agents.mastodon.cursor import REMEMBERED, Cursor
from agents.mastodon.unheard import OFTEN, SELDOM, SETTLED
from tests.agents.mastodon.documents import Document
from tests.agents.mastodon.reading import Living, Reader
from tests.agents.mastodon.server import Server
from tests.agents.mastodon.test_conversations import BANK
from tests.agents.telegram.items import ids, kills, last_cursor

TAG = {"hashtags": ["тепло"]}


def is_open(server: Server) -> bool:
    return bool((server.sockets and all(server.sockets.values())) or server.listeners)


def asked(server: Server) -> int:
    """How many times for posts by their ids."""
    return sum(n for path, n in server.requests.items() if path.startswith("/api/v1/statuses"))


@asynccontextmanager
async def collected(server: Server, count: int) -> AsyncIterator[tuple[Reader, Living, list[Document]]]:
    """A source that streams, and ``count`` posts that it has told."""
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: is_open(server))
        told = [server.publish(f"{number} #тепло") for number in range(count)]
        await living.until(lambda: len(ids(living.items)) == count)
        yield reader, living, told


def errors_of(reader: Reader, kind: str) -> float:
    found = reader.metrics.registry.get_sample_value(
        "molva_agent_errors_total", {"agent": "mastodon:one", "error": kind}
    )
    return found or 0.0


def remembered(living: Living, server: Server) -> list[str]:
    """The posts of an instance in the newest cursor."""
    return list(Cursor.read(last_cursor(living.items)).instances[server.url].recent.values())


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_what_happened_while_a_stream_was_lost_is_told_when_it_is_back(
    server: Server, transport: str, old: bool
) -> None:
    server.old = old
    reader = Reader(server, instance={**TAG, "transport": transport})
    async with reader.living() as living:
        await living.until(lambda: is_open(server))
        edited, gone, kept = (server.publish(f"{number} #тепло") for number in range(3))
        await living.until(lambda: len(ids(living.items)) == 3)
        await server.hang_up()
        reader.time.move(seconds=1)
        server.edit(edited, "без метки", tell=False)
        server.delete(gone, tell=False)
        told = [edited["uri"] + "@", "-" + gone["uri"]]
        await living.until(lambda: len(ids(living.items)) == 5, passing=reader.time)
        assert sorted(ids(living.items)[3:]) == sorted(told)
        await pass_rounds(living, reader, 3)
    assert sorted(ids(living.items)[3:]) == sorted(told)
    assert remembered(living, server) == [kept["uri"], edited["uri"]]


async def test_what_happened_while_the_agent_did_not_run_is_told_wherever_it_is_killed(
    server: Server,
) -> None:
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: is_open(server))
        told = [server.publish(f"{number} #тепло") for number in range(50)]
        await living.until(lambda: len(ids(living.items)) == 50)
        before = last_cursor(living.items)
    reader.time.move(seconds=60)
    for status in told[::10]:
        server.delete(status)
    deletions = {"-" + status["uri"] for status in told[::10]}
    after = await told_again(reader, before, deletions)
    assert last_cursor(after) != before
    for collected, cursor in kills(after, before):
        if wanted := deletions - set(collected):
            again = await told_again(reader, cursor, wanted)
            assert {each for each in ids(again) if each.startswith("-")} <= deletions


async def test_a_post_that_is_absent_once_is_not_deleted(server: Server) -> None:
    async with collected(server, 1) as (reader, living, [status]):
        hidden, server.statuses = server.statuses, {}
        await living.until(lambda: asked(server) > 1, passing=reader.time)
        server.statuses = hidden
        first = reader.time.clock()
        await living.until(lambda: asked(server) > 2, passing=reader.time)
        assert reader.time.clock() - first >= SETTLED
        await pass_rounds(living, reader, 2)
    assert ids(living.items) == [status["uri"]]


async def test_who_is_limited_has_deleted_nothing(server: Server) -> None:
    """Lists of several posts leave out limited authors, whom everybody can read all the same."""
    async with collected(server, 2) as (reader, living, [limited, gone]):
        server.limited.add(limited["id"])
        server.delete(gone, tell=False)
        await living.until(lambda: ids(living.items)[2:] == ["-" + gone["uri"]], passing=reader.time)
        await pass_rounds(living, reader, 2)
    assert len(ids(living.items)) == 3


async def test_an_instance_that_something_else_stands_in_for_has_deleted_nothing(server: Server) -> None:
    async with collected(server, 2) as (reader, living, [kept, gone]):
        server.replaced = True
        await living.until(lambda: errors_of(reader, "Missing") > 0, passing=reader.time)
        assert len(ids(living.items)) == 2
        server.replaced = False
        server.delete(gone, tell=False)
        told = ["-" + gone["uri"]]
        await living.until(lambda: ids(living.items)[2:] == told, reader.time, seconds=10)
        await pass_rounds(living, reader, 1)
    assert ids(living.items) == [kept["uri"], gone["uri"], "-" + gone["uri"]]


async def test_what_another_instance_still_shows_is_not_deleted(server: Server) -> None:
    async with Server() as other:
        reader = Reader(server, other, instance=TAG)
        async with reader.living() as living:
            await living.until(lambda: is_open(server) and is_open(other))
            here = server.publish("раз #тепло", by="ivan@far.example")
            await living.until(lambda: ids(living.items) == [here["uri"]])
            there = other.publish("раз #тепло", by="ivan@far.example", uri=here["uri"])
            await living.until(lambda: remembered(living, other) == [here["uri"]], reader.time)
            server.delete(here, tell=False)  # a purge of what comes from far.example
            await living.until(lambda: remembered(living, server) == [], reader.time, seconds=20)
            await living.until(lambda: asked(other) >= 3, reader.time, seconds=20)
            assert ids(living.items) == [here["uri"]]
            other.delete(there, tell=False)
            told = ["-" + here["uri"]]
            await living.until(lambda: ids(living.items)[1:] == told, reader.time, seconds=20)


async def test_more_posts_than_are_remembered_in_an_outage_hide_no_deletion(server: Server) -> None:
    async with collected(server, 1) as (reader, living, [gone]):
        await server.hang_up()
        server.delete(gone, tell=False)
        for number in range(REMEMBERED + 20):
            server.publish(f"{number} #тепло", tell=False)
        reader.time.move(seconds=5)
        await living.until(lambda: "-" + gone["uri"] in ids(living.items), passing=reader.time)
    assert len(ids(living.items)) == REMEMBERED + 22


async def test_a_post_that_cannot_be_read_hides_no_other(server: Server) -> None:
    async with collected(server, 3) as (reader, living, [broken, gone, edited]):
        server.unreadable.add(broken["id"])
        server.delete(gone, tell=False)
        reader.time.move(seconds=1)
        server.edit(edited, "исправлено", tell=False)
        await living.until(lambda: len(ids(living.items)) == 5, passing=reader.time)
        await pass_rounds(living, reader, 1)
    assert ids(living.items)[3:] == [edited["uri"] + "@", "-" + gone["uri"]]


async def test_a_round_that_fails_is_told_and_repeated(server: Server) -> None:
    async with collected(server, 1) as (reader, living, [status]):
        server.delete(status, tell=False)
        server.by_id += [web.json_response({"no": "list"})]
        await living.until(lambda: errors_of(reader, "Unusable") == 1, passing=reader.time)
        failed = reader.time.clock()
        await asyncio.sleep(0.1)  # until the agent rests
        reader.time.move(seconds=OFTEN.total_seconds() - 10)
        await living.until(lambda: ids(living.items)[1:] == ["-" + status["uri"]], passing=reader.time)
    assert reader.time.clock() - failed >= OFTEN


async def test_a_server_that_wants_to_be_left_alone_is(server: Server) -> None:
    async with collected(server, 1) as (reader, living, [status]):
        server.delete(status, tell=False)
        server.by_id += [web.Response(status=429, headers={"Retry-After": "1200"})]
        await living.until(lambda: asked(server) == 1, passing=reader.time)
        refused = reader.time.clock()
        await server.hang_up()
        await asyncio.sleep(0.1)  # until the agent rests
        reader.time.move(minutes=19)
        await living.until(lambda: asked(server) > 1, passing=reader.time)
        assert reader.time.clock() - refused >= timedelta(minutes=20)
        await living.until(lambda: ids(living.items)[1:] == ["-" + status["uri"]], passing=reader.time)


async def test_boosts_of_an_account_that_is_suspended_are_not_deleted(server: Server) -> None:
    original = server.publish("раз", by="ivan@far.example")
    boost = server.publish(by=BANK, reblog=original)
    reader = Reader(server, instance={"transport": "poll"}, accounts=[BANK])
    async with reader.living() as living:
        await living.until(lambda: len(ids(living.items)) == 1)
        server.account(BANK, suspended=True)
        hidden, server.statuses = server.statuses, {}
        await living.until(lambda: asked(server) >= 2, passing=reader.time)
        await living.until(lambda: errors_of(reader, "Missing") >= 4, reader.time, seconds=20)
        server.account(BANK, suspended=False)
        server.statuses = hidden
        await pass_rounds(living, reader, 1)
    assert ids(living.items) == [boost["uri"]]


async def test_where_nothing_is_streamed_posts_are_asked_for_each_hour(server: Server) -> None:
    reader = Reader(server, instance={**TAG, "transport": "poll"}, poll_seconds=600)
    status = server.publish("раз #тепло")
    async with reader.living() as living:
        await living.until(lambda: asked(server) == 1, passing=reader.time)
        begun = reader.time.clock()
        server.delete(status)
        await asyncio.sleep(0.1)  # until the agent rests
        reader.time.move(seconds=SELDOM.total_seconds() - 10)
        await living.until(lambda: ids(living.items)[1:] == ["-" + status["uri"]], passing=reader.time)
    assert SELDOM <= reader.time.clock() - begun <= SELDOM * 1.1


async def pass_rounds(living: Living, reader: Reader, rounds: int) -> None:
    """Let so many rounds pass in which something is asked for."""

    def more_than(count: int) -> bool:
        return asked(reader.servers[0]) > count

    for _ in range(rounds):
        before = asked(reader.servers[0])
        await living.until(functools.partial(more_than, before), reader.time, seconds=30)


async def told_again(reader: Reader, cursor: str | None, wanted: set[str]) -> list[Collected]:
    """What a source tells that goes on from ``cursor``, until all of ``wanted`` was told and saved."""
    async with reader.living(cursor) as living:
        await living.until(lambda: wanted <= set(ids(living.items)), passing=reader.time)
        count = len(living.items)
        await living.until(lambda: any(each.cursor for each in living.items[count - 1 :]), reader.time)
        return living.items
