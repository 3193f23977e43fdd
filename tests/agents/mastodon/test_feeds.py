"""Accounts, searches, public timelines, threads, back-fill, and a day of simulated time."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from agents.base import BadConfiguration, Progress
from agents.manual_time import JumpingTime
from agents.rates import Limit
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.mastodon.reading import Living, Reader
from tests.agents.mastodon.server import TOKEN, Server
from tests.agents.telegram.items import ids, last_cursor, posts

POLL = {"transport": "poll"}
BANK = {"id": "teplo", "kind": "brand", "name": "Тепло Банк", "aliases": ["Тепло Банк"]}


def watchlist(*accounts: str) -> Watchlist:
    return Watchlist((WatchObject.model_validate({**BANK, "accounts": {"mastodon": accounts}}),))


async def test_own_accounts_are_collected_whole_with_boosts(server: Server) -> None:
    server.account("bank@far.example")
    said = server.publish("любое", by="bank@far.example")
    other = server.publish("чужое")
    boost = server.publish("чужое", by="bank@far.example", reblog=other)
    hidden = server.publish("для своих", by="bank@far.example", visibility="private")
    items = await Reader(server, watchlist=watchlist("@bank@far.example"), instance=POLL).read()
    assert ids(items) == [said["uri"], boost["uri"]]
    found = posts(items)
    assert all(each.author.own and each.channel.own for each in found.values())
    assert found[boost["uri"]].repost_of == f"mastodon:{other['uri']}"
    assert hidden["uri"] not in found


@pytest.mark.parametrize("fields", [{"suspended": True}, {"moved": {"acct": "bank@new.example"}}])
async def test_an_account_that_is_gone_is_told(server: Server, fields: dict[str, object]) -> None:
    server.account("bank", **fields)
    reader = Reader(server, instance=POLL, accounts=[f"bank@{server.host}"])
    with pytest.raises(BadConfiguration, match=r"is suspended|has moved to bank@new.example"):
        await reader.read()


async def test_an_account_that_the_instance_does_not_know_is_resolved_with_a_token(server: Server) -> None:
    server.token = TOKEN
    server.account("bank@far.example")
    known = server.accounts.pop("bank@far.example")
    with pytest.raises(BadConfiguration, match=r"knows no account bank@far.example"):
        await Reader(server, instance={**POLL, "token": "env:TOKEN"}, accounts=["bank@far.example"]).read()
    server.accounts["bank@far.example"] = known
    reader = Reader(server, instance={**POLL, "token": "env:TOKEN"}, accounts=["bank@far.example"])
    assert ids(await reader.read()) == []


async def test_of_public_timelines_only_what_concerns_the_watchlist_is_kept(server: Server) -> None:
    server.publish("просто день")
    named = server.publish("в Тепло Банке очередь")
    addressed = server.publish("@bank где карта", mentions=[{"acct": "bank@far.example", "url": ""}])
    foreign = server.publish("Тепло Банк", language="fi")
    silent = server.publish("Тепло Банк!", language=None)
    given = {"watchlist": watchlist("@bank@far.example"), "languages": ["ru"]}
    instance = {**POLL, "timelines": ["public"]}
    server.account("bank@far.example")
    items = await Reader(server, instance=instance, **given).read()  # type: ignore[arg-type]
    assert set(ids(items)) == {named["uri"], addressed["uri"], silent["uri"]}
    whole = Reader(server, instance=instance, unfiltered=True, watchlist=watchlist())
    assert len(ids(await whole.read())) == 5
    assert foreign["uri"] in ids(await Reader(server, instance=instance).read())


@pytest.mark.parametrize("old", [False, True])
async def test_replies_name_their_parent_by_its_uri(server: Server, old: bool) -> None:
    server.old = old
    parent = server.publish("начало", by="ivan@far.example")
    lost: dict[str, Any] = {"in_reply_to_id": "115000000000000009", "in_reply_to_account_id": "1"}
    under: dict[str, Any] = {
        "in_reply_to_id": parent["id"],
        "in_reply_to_account_id": parent["account"]["id"],
    }
    reply = server.publish("ответ #тепло", **under)
    deeper: dict[str, Any] = {"in_reply_to_id": reply["id"], "in_reply_to_account_id": "100"}
    second = server.publish("ещё #тепло", by="olga", **deeper)
    orphan = server.publish("сирота #тепло", **lost)
    found = posts(await Reader(server, instance={**POLL, "hashtags": ["тепло"]}).read())
    assert found[reply["uri"]].reply_to == f"mastodon:{parent['uri']}"
    assert found[reply["uri"]].thread_root == f"mastodon:{parent['uri']}"
    assert found[second["uri"]].reply_to == f"mastodon:{reply['uri']}"
    assert (found[orphan["uri"]].reply_to, found[orphan["uri"]].kind) == (None, "comment")
    asked = Counter(path.rpartition("/")[0] for path in server.requests)
    assert asked["/api/v1/statuses"] == (2 if old else 1), "by itself only what no list shows"


async def test_phrases_are_searched_for(server: Server) -> None:
    reader = Reader(server, instance={**POLL, "search": ["тепло банк"]})
    first = server.publish("Тепло Банк раз")
    before = await reader.read()
    assert ids(before) == [first["uri"]]
    told = [server.publish(f"Тепло Банк {n}", at=server.now + timedelta(minutes=n)) for n in range(3, 90)]
    assert sorted(ids(await reader.read(last_cursor(before)))) == sorted(
        [first["uri"], *(each["uri"] for each in told)]
    )


async def test_a_period_of_the_past_is_read_from_its_beginning(server: Server) -> None:
    told = [server.publish(f"{n} #тепло", at=server.now - timedelta(hours=n)) for n in range(200)]
    wanted = {each["uri"] for each in told[50:150]}
    reader = Reader(server, instance={**POLL, "hashtags": ["тепло"]})
    since, until = server.now - timedelta(hours=149, minutes=1), server.now - timedelta(hours=49, minutes=1)

    async def read(cursor: str | None, stop: int = 1000) -> tuple[list[str], str | None]:
        found, saved = list[str](), cursor
        async with reader.web() as web:
            async for item in reader.source(web).history(since, until, cursor):
                found += ids([item])
                saved = item.cursor or saved
                if len(found) >= stop:
                    break
        return found, saved

    everything, _ = await read(None)
    assert (set(everything), everything) == (wanted, list(reversed([e["uri"] for e in told[50:150]])))
    for stop in (1, 39, 41, 99):
        some, cursor = await read(None, stop)
        assert set(some) | set((await read(cursor))[0]) == wanted


async def test_the_limit_of_requests_is_kept(server: Server) -> None:
    """No five minutes hold more requests than the server allows, by the clock of the test."""
    for number in range(4000):
        server.publish(f"{number} #тепло", at=server.now - timedelta(seconds=number))
    reader = Reader(server, instance={**POLL, "hashtags": ["тепло"]}, time=JumpingTime(server.now))
    cursor = f'{{"instances":{{"{server.url}":{{"places":{{"hashtag:тепло":"0"}}}}}}}}'
    limits = reader.options.effective_limits
    limit = Limit(limits.requests_per_second, limits.burst)
    await reader.read(cursor, until=lambda items: len(ids(items)) >= 4000, limit=limit)
    assert most_within(server.times, timedelta(minutes=5)) <= 300
    assert most_within(server.times, timedelta(seconds=10)) <= 30 + 8


def most_within(times: list[datetime], span: timedelta) -> int:
    """The most requests that lie within a span."""
    return max(sum(begin <= each < begin + span for each in times) for begin in times)


async def test_a_day_leaves_nothing_behind(server: Server) -> None:
    """24 h with a post every 10 minutes and a lost stream every hour: nothing grows."""
    reader = Reader(server, instance={"hashtags": ["тепло"]})
    sizes, tasks = list[int](), list[int]()
    told = 0
    async with reader.living() as living:
        for hour in range(24):
            open_again = lambda: bool(server.sockets and all(server.sockets.values()))  # noqa: E731
            await living.until(open_again, passing=reader.time)
            for _ in range(60):
                server.publish("новость #тепло " + "я" * 50)
                told += 1
                reader.time.move(minutes=1)
                await asyncio.sleep(0)
            await living.until(partial(_has, living, told))
            cursors = [item.cursor for item in living.items if item.cursor is not None]
            sizes.append(len(cursors[-1]))
            tasks.append(len(asyncio.all_tasks()))
            living.items[:] = [item for item in living.items if not isinstance(item, Progress)]
            if hour % 4 == 3:
                await server.hang_up()
                await living.until(lambda: not server.sockets)
        gc.collect()
        assert len(server.sockets) <= 1
    assert told == 24 * 60
    assert max(sizes[4:]) <= sizes[4] + 100, "the cursor is full after four hours, and stays as large"
    assert max(sizes) < 25_000
    assert max(tasks) <= min(tasks) + 3


def _has(living: Living, count: int) -> bool:
    return len(set(ids(living.items))) >= count
