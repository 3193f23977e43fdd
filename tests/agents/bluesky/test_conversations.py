"""Accounts that are collected whole: the answers under their posts, a start without the AppView."""

from __future__ import annotations

import pytest

from agents.base import Found, SourceUnavailable
from agents.bluesky.cursor import Cursor
from agents.bluesky.run import LOOK_AGAIN
from agents.manual_time import JumpingTime
from tests.agents.bluesky.reading import Reader
from tests.agents.bluesky.server import Server
from tests.agents.day import lives_a_day
from tests.agents.telegram.items import ids, last_cursor, posts

GET_PROFILES = "app.bsky.actor.getProfiles"


def reader_of(server: Server, **given: object) -> Reader:
    server.account("bank")
    return Reader(server, accounts=["bank.bsky.social"], only_accounts=True, **given)  # type: ignore[arg-type]


async def test_answers_that_the_stream_of_some_accounts_leaves_out_are_collected(server: Server) -> None:
    reader = reader_of(server)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        own = server.publish("новость", by="bank")
        first = server.answer(own, "вопрос")
        deeper = server.answer(first, "и мой", by="ivan")
        wanted = {own, first, deeper}
        await living.until(lambda: wanted <= set(ids(living.items)), passing=reader.time)
        later = server.answer(deeper, "и ещё", by="olga")  # changes no count of the company's own post
        await living.until(lambda: later in ids(living.items), passing=reader.time)
    found = posts(living.items)
    assert len(ids(living.items)) == len(found) == 4
    assert (found[deeper].thread_root, found[deeper].reply_to) == (f"bluesky:{own}", f"bluesky:{first}")


async def test_answers_of_a_gap_are_found_without_a_login(server: Server) -> None:
    server.private_search = True
    reader = reader_of(server)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        own = server.publish("новость", by="bank")
        await living.until(lambda: own in ids(living.items))
        cursor = last_cursor(living.items)
    reader.time.move(hours=1)
    answer = server.answer(own, "вопрос")
    gone = server.publish("и это", by="bank")
    reader.time.move(hours=47)
    async with reader.living(cursor) as again:
        await again.until(lambda: {answer, gone} <= set(ids(again.items)), passing=reader.time)


async def test_a_deletion_that_nobody_heard_is_seen_and_a_suspended_account_deletes_nothing(
    server: Server,
) -> None:
    reader = reader_of(server)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        own = [server.publish(text, by="bank") for text in ("раз", "два")]
        await living.until(lambda: len(ids(living.items)) == 2)
        kept = server.profiles.pop(server.account("bank"))
        asked = server.requests["app.bsky.feed.getPosts"]
        looked = lambda: server.requests["app.bsky.feed.getPosts"] >= asked + 3  # noqa: E731
        await living.until(looked, passing=reader.time)
        server.profiles[kept["did"]] = kept
        del server.records[own[1]]
        await living.until(lambda: len(ids(living.items)) == 3, passing=reader.time)
    assert ids(living.items) == [*own, f"-{own[1]}"]


async def test_a_thread_that_is_not_shown_holds_up_no_other(server: Server) -> None:
    reader = reader_of(server)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        broken, other = server.publish("раз", by="bank"), server.publish("два", by="bank")
        server.hidden.add(broken)
        lost, kept = server.answer(broken, "не видно"), server.answer(other, "видно")
        await living.until(lambda: kept in ids(living.items), passing=reader.time)
        assert lost not in ids(living.items)
        server.hidden.clear()
        await living.until(lambda: lost in ids(living.items), passing=reader.time)


async def test_a_restart_needs_no_appview(server: Server) -> None:
    reader = reader_of(server)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        cursor = last_cursor(living.items)
    assert Cursor.read(cursor).accounts == {"bank.bsky.social": server.account("bank")}
    server.failing = {GET_PROFILES}
    async with reader.living(cursor) as again:
        await again.until(lambda: bool(server.sockets), passing=reader.time)
        own = server.publish("новость", by="bank")
        await again.until(lambda: own in ids(again.items), passing=reader.time)


async def test_accounts_that_could_not_be_looked_up_are_looked_up_later(server: Server) -> None:
    server.account("bank")
    server.failing = {GET_PROFILES}
    with pytest.raises(SourceUnavailable):
        await reader_of(server, time=JumpingTime(server.now)).read()
    reader = Reader(server, accounts=["did:plc:known", "bank.bsky.social"], only_accounts=True)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets), passing=reader.time)
        assert next(iter(server.sockets.values()))["wantedDids"] == ["did:plc:known"]
        server.failing.clear()
        reader.time.move(seconds=LOOK_AGAIN.total_seconds())
        both = lambda: any(len(each["wantedDids"]) == 2 for each in server.sockets.values())  # noqa: E731
        await living.until(both, passing=reader.time)
        own = server.publish("новость", by="bank")
        await living.until(lambda: own in ids(living.items), passing=reader.time)


async def test_a_period_of_the_past_is_read_with_the_answers(server: Server) -> None:
    reader = reader_of(server)
    reader.time.move(hours=-5)
    own = server.publish("новость", by="bank")
    answer = server.answer(own, "вопрос")
    reader.time.move(hours=5)
    now, found = reader.time.clock(), list[str]()
    async with reader.web() as opened:
        async for item in reader.source(opened).history(server.now.replace(hour=1), now, None):
            found += [item.post.native_id] if isinstance(item, Found) else []
    assert found == [own, answer]


async def test_a_day_of_questions_and_answers(server: Server) -> None:
    reader = reader_of(server)

    def every_hour(hour: int) -> None:
        for number in range(3):
            own = server.publish(f"час {hour}", by="bank")
            server.answer(server.answer(own, f"вопрос {number}"), "отвечаем", by="bank")

    async with reader.web() as opened:
        found = await lives_a_day(
            reader.source(opened),
            reader.time,
            every_hour,
            connections=lambda: server.connections,
            most_connections=3,
            largest_cursor=60_000,
        )
    assert len(found) == len(set(found)) == 23 * 3 * 3
