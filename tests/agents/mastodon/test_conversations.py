"""What is said under the posts of accounts that are collected whole: answers, edits, deletions, failures."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from aiohttp import web

from agents.base import Found
from tests.agents.day import lives_a_day
from tests.agents.mastodon.reading import Living, Reader
from tests.agents.mastodon.server import Server
from tests.agents.mastodon.test_feeds import POLL, watchlist
from tests.agents.telegram.items import ids, kills, posts

BANK = "bank@far.example"


def reader_of(server: Server, **given: object) -> Reader:
    server.account(BANK)
    return Reader(server, watchlist=watchlist(f"@{BANK}"), instance=POLL, **given)  # type: ignore[arg-type]


async def test_answers_to_own_posts_are_collected_with_those_below_them(server: Server) -> None:
    reader = reader_of(server)
    said = server.publish("новость", by=BANK)
    first = server.answer(said, "вопрос без имени")
    async with reader.living() as living:
        await living.until(lambda: len(ids(living.items)) == 2)
        reply = server.answer(first, "отвечаем", by=BANK)
        deeper = server.answer(reply, "спасибо", by="olga")
        hidden = server.answer(said, "для своих", visibility="private")
        wanted = {said["uri"], first["uri"], reply["uri"], deeper["uri"]}
        await living.until(lambda: wanted <= set(ids(living.items)), passing=reader.time)
        later = server.answer(deeper, "и ещё", by="olga")  # changes no count of the company's own posts
        await living.until(lambda: later["uri"] in ids(living.items), passing=reader.time)
    found = posts(living.items)
    assert hidden["uri"] not in found
    assert len(ids(living.items)) == len(found) == 5
    assert found[deeper["uri"]].thread_root == f"mastodon:{said['uri']}"
    assert found[deeper["uri"]].reply_to == f"mastodon:{reply['uri']}"
    assert (found[reply["uri"]].author.own, found[deeper["uri"]].author.own) == (True, False)


@pytest.mark.parametrize("old", [False, True])
async def test_edits_and_deletions_of_own_posts_are_seen_without_a_stream(server: Server, old: bool) -> None:
    server.old = old
    reader = reader_of(server)
    edited, gone = server.publish("раз", by=BANK), server.publish("два", by=BANK)
    async with reader.living() as living:
        await living.until(lambda: len(ids(living.items)) == 2)
        reader.time.move(seconds=5)
        server.edit(edited, "исправлено", tell=False)
        server.delete(gone, tell=False)
        await living.until(lambda: len(ids(living.items)) == 4, passing=reader.time)
        reader.time.move(hours=1)
    assert sorted(ids(living.items)[2:]) == sorted([edited["uri"] + "@", "-" + gone["uri"]])


async def test_a_restart_loses_no_answer_wherever_it_was_killed(server: Server) -> None:
    reader = reader_of(server)
    said = [server.publish(f"новость {number}", by=BANK) for number in range(22)]
    told = {server.answer(each, f"вопрос {n}")["uri"] for each in said for n in range(2)}
    wanted = told | {each["uri"] for each in said}
    async with reader.living() as living:
        await living.until(lambda: wanted <= set(ids(living.items)), passing=reader.time)
    cuts = list(kills(living.items, None))
    assert len(cuts) > 20
    for published, cursor in cuts[::8]:
        async with reader.living(cursor) as again:
            await again.until(partial(_has, again, wanted - set(published)), passing=reader.time)


async def test_a_post_whose_answers_are_not_shown_holds_up_no_other(server: Server) -> None:
    reader = reader_of(server)
    broken, other = server.publish("раз", by=BANK), server.publish("два", by=BANK)
    lost, kept = server.answer(broken, "не видно"), server.answer(other, "видно")
    server.broken.add(broken["id"])
    async with reader.living() as living:
        await living.until(lambda: kept["uri"] in ids(living.items), passing=reader.time)
        third = server.publish("три", by=BANK)
        await living.until(lambda: third["uri"] in ids(living.items), passing=reader.time)
        assert lost["uri"] not in ids(living.items)
        server.broken.clear()
        await living.until(lambda: lost["uri"] in ids(living.items), passing=reader.time)
    errors = reader.metrics.agent_errors.labels("mastodon:one", "Refused")
    assert errors._value.get() > 0


async def test_a_parent_that_may_not_be_asked_for_loses_no_post(server: Server) -> None:
    """A redirect to another host is forbidden; the post comes without its parent."""
    reader = Reader(server, instance={**POLL, "hashtags": ["тепло"]})
    status = server.publish("#тепло", in_reply_to_id="115000000000000009", in_reply_to_account_id="1")
    server.by_id.append(web.Response(status=302, headers={"Location": "https://elsewhere.example/"}))
    items = await reader.read()
    assert ids(items) == [status["uri"]]
    assert not server.by_id


async def test_an_account_that_is_suspended_deletes_nothing(server: Server) -> None:
    reader = reader_of(server)
    said = server.publish("новость", by=BANK)
    async with reader.living() as living:
        await living.until(lambda: ids(living.items) == [said["uri"]])
        server.account(BANK, suspended=True)
        hidden, server.statuses = server.statuses, {}
        denied = reader.metrics.agent_errors.labels("mastodon:one", "Missing")
        await living.until(lambda: denied._value.get() == 1, passing=reader.time)
        reader.time.move(hours=2)
        await living.until(lambda: denied._value.get() == 2, passing=reader.time)
        server.account(BANK, suspended=False)
        server.statuses = hidden
        news = server.publish("снова здесь", by=BANK)
        reader.time.move(hours=2)
        await living.until(lambda: news["uri"] in ids(living.items), passing=reader.time)
    assert ids(living.items) == [said["uri"], news["uri"]]


async def test_a_period_of_the_past_is_read_with_the_answers(server: Server) -> None:
    reader = reader_of(server)
    said = server.publish("новость", by=BANK, at=server.now - timedelta(hours=5))
    answer = server.answer(said, "вопрос", at=server.now - timedelta(hours=4))
    now, found = reader.time.clock(), list[str]()
    async with reader.web() as opened:
        async for item in reader.source(opened).history(now - timedelta(hours=9), now, None):
            found += [item.post.native_id] if isinstance(item, Found) else []
    assert found == [said["uri"], answer["uri"]]


async def test_a_day_of_questions_and_answers(server: Server) -> None:
    reader = reader_of(server)

    def every_hour(hour: int) -> None:
        for number in range(3):
            said = server.publish(f"час {hour}", by=BANK)
            server.answer(server.answer(said, f"вопрос {number}"), "отвечаем", by=BANK)

    async with reader.web() as network:
        found = await lives_a_day(
            reader.source(network),
            reader.time,
            every_hour,
            connections=lambda: server.connections,
            most_connections=2,
            largest_cursor=60_000,
        )
    assert len(found) == len(set(found)) == 23 * 3 * 3


def _has(living: Living, wanted: set[str]) -> bool:
    return wanted <= set(ids(living.items))
