"""Reading the stream: what is kept, edits, deletions, gaps, other servers, restarts at every item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from agents.base import Collected, Gone
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.bluesky.reading import Reader
from tests.agents.bluesky.server import Server
from tests.agents.telegram.items import ids, kills, last_cursor, posts


def watchlist(**accounts: tuple[str, ...]) -> Watchlist:
    bank = {
        "id": "teplo",
        "kind": "brand",
        "name": "Тепло Банк",
        "aliases": ["Тепло Банк"],
        "accounts": accounts,
    }
    return Watchlist((WatchObject.model_validate(bank),))


async def test_what_names_something_watched_is_kept(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        server.publish("просто день 😀")
        kept = server.publish("в Тепло Банке очередь 😀")
        server.publish("Тепло Банк по-английски", langs=["en"])
        await living.until(lambda: len(ids(living.items)) == 2)
    assert ids(living.items)[0] == kept
    post = posts(living.items)[kept]
    assert (post.text, post.language, post.source) == ("в Тепло Банке очередь 😀", "ru", "bluesky")
    assert (post.author.handle, post.author.name, post.author.followers) == ("anna.bsky.social", "Anna", 12)
    did, key = kept.removeprefix("at://").split("/")[::2]
    assert post.url == f"https://bsky.app/profile/{did}/post/{key}"


async def test_edits_and_deletions(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        other, uri = server.publish("ничего"), server.publish("Тепло Банк")
        reader.time.move(seconds=5)
        server.edit(uri, "Тепло Банк закрыт")
        server.delete(other)
        server.delete(uri)
        await living.until(lambda: len(ids(living.items)) == 3)
    assert ids(living.items) == [uri, f"{uri}@", f"-{uri}"]
    edited = posts(living.items)[uri]
    assert edited.edited_at is not None
    assert abs(edited.edited_at - reader.time.clock()) < timedelta(milliseconds=1)
    (gone,) = (item for item in living.items if isinstance(item, Gone))
    assert gone.source == "bluesky"


async def test_a_restart_loses_nothing_wherever_it_was_killed(server: Server) -> None:
    reader = Reader(server, watchlist=watchlist())
    before = await reader.read(until=bool)
    told = []
    for number in range(60):
        reader.time.move(seconds=30)
        told.append(server.publish(f"Тепло Банк {number}"))
        server.publish("другое")
    everything = lambda items: set(ids(items)) >= set(told)  # noqa: E731
    items = await reader.read(last_cursor(before), until=everything)
    for stop in range(0, len(items), 7):
        cursors = [last_cursor(before), *(each.cursor for each in items[:stop] if each.cursor)]
        again = await reader.read(cursors[-1], until=partial(_has, set(told) - set(ids(items[:stop]))))
        assert len(ids(again)) <= len(told)
    assert list(kills(items, None))


async def test_another_server_goes_on_where_one_fails(server: Server) -> None:
    async with Server() as other:
        reader = Reader(server, other, watchlist=watchlist())
        other.skew = timedelta(seconds=-2)
        async with reader.living() as living:
            await living.until(lambda: bool(server.sockets))
            first = server.publish("Тепло Банк раз")
            await living.until(lambda: ids(living.items) == [first])
            server.socket_status = 503
            await server.hang_up(1011)
            second = other.publish("Тепло Банк два", by="ivan")
            server.account("ivan")
            await living.until(lambda: 2.0 in reader.time.pauses)
            reader.time.move(seconds=2)
            await living.until(lambda: bool(other.sockets))
            await living.until(lambda: ids(living.items) == [first, second])
        assert other.cursors[0] < server.events[0]["time_us"]


@pytest.mark.parametrize("count", [3, 130])
async def test_accounts_alone_are_asked_for_by_their_dids(server: Server, count: int) -> None:
    names = [f"name{number}" for number in range(count)]
    dids = [server.account(name) for name in names]
    reader = Reader(server, accounts=[f"{name}.bsky.social" for name in names], only_accounts=True)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets))
        assert sorted(next(iter(server.sockets.values()))["wantedDids"]) == sorted(dids)
        server.publish("чужое")
        mine = server.publish("любое", by=names[0])
        repost: dict[str, Any] = {"$type": "app.bsky.feed.repost", "subject": {"uri": mine, "cid": "bafy"}}
        shared = server.publish(by=names[1], **repost)
        await living.until(lambda: ids(living.items) == [mine, shared])
    post = posts(living.items)[shared]
    assert (post.kind, post.repost_of) == ("repost", f"bluesky:{mine}")


def _has(wanted: set[str], items: Sequence[Collected]) -> bool:
    return wanted <= set(ids(items))
