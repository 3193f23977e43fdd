"""Reading an instance: pages, streams, edits, deletions, gaps, restarts at every item."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.base import Gone
from tests.agents.mastodon.reading import Reader
from tests.agents.mastodon.server import Server
from tests.agents.telegram.items import ids, kills, last_cursor, posts

TAG = {"hashtags": ["#Тепло"]}


async def test_a_new_hashtag_begins_with_its_newest_page(server: Server) -> None:
    told = [
        server.publish(f"новость {number} 😀 #тепло", at=server.now - timedelta(minutes=number))
        for number in range(60)
    ]
    items = await Reader(server, instance=TAG).read()
    assert sorted(ids(items)) == sorted(each["uri"] for each in told[:40])
    post = posts(items)[told[0]["uri"]]
    assert (post.text, post.language, post.kind) == ("новость 0 😀 #тепло", "ru", "post")
    assert (post.author.handle, post.author.followers) == (f"anna@{server.host.partition(':')[0]}", 12)
    assert (post.engagement.likes, post.engagement.reposts, post.engagement.comments) == (2, 1, 0)


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_news_edits_and_deletions_are_pushed(server: Server, transport: str) -> None:
    reader = Reader(server, instance={**TAG, "transport": transport})
    async with reader.living() as living:
        await living.until(
            lambda: bool((server.sockets and all(server.sockets.values())) or server.listeners)
        )
        status = server.publish("новость #тепло")
        server.publish("другое #иное")
        await living.until(lambda: ids(living.items) == [status["uri"]])
        reader.time.move(seconds=5)
        server.edit(status, "исправлено #тепло")
        await living.until(lambda: ids(living.items) == [status["uri"], status["uri"] + "@"])
        server.delete(status)
        await living.until(lambda: ids(living.items)[2:] == ["-" + status["uri"]])
    edited = posts(living.items)[status["uri"]]
    assert edited.revision == int(reader.time.clock().timestamp() * 1000)
    assert (edited.edited_at, edited.text) == (reader.time.clock(), "исправлено #тепло")
    (gone,) = (item for item in living.items if isinstance(item, Gone))
    assert gone.source == "mastodon"


async def test_a_gap_is_filled_by_pages_after_the_stream_has_ended(server: Server) -> None:
    reader = Reader(server, instance=TAG)
    async with reader.living() as living:
        await living.until(lambda: bool(server.sockets and all(server.sockets.values())))
        first = server.publish("раз #тепло")
        await living.until(lambda: ids(living.items) == [first["uri"]])
        await server.hang_up()
        reader.time.move(seconds=1)
        missed = [server.publish(f"{number} #тепло", tell=False) for number in range(90)]
        reader.time.move(seconds=120)
        await living.until(lambda: len(ids(living.items)) == 91)
    assert ids(living.items)[1:] == [each["uri"] for each in missed]


async def test_a_restart_loses_nothing_wherever_it_was_killed(server: Server) -> None:
    reader = Reader(server, instance=TAG)
    before = await reader.read()
    told = []
    for number in range(100):
        reader.time.move(seconds=30)
        told.append(server.publish(f"{number} #тепло")["uri"])
    items = await reader.read(last_cursor(before))
    assert sorted(ids(items)) == sorted(told)
    assert len(list(kills(items, last_cursor(before)))) > 3
    for collected, cursor in kills(items, last_cursor(before)):
        again = await reader.read(cursor)
        assert set(collected) | set(ids(again)) == set(told)


async def test_a_post_of_another_server_that_comes_in_late_is_found_after_a_restart(server: Server) -> None:
    reader = Reader(server, instance=TAG)
    server.publish("раз #тепло")
    first = await reader.read()
    late = server.publish("поздно #тепло", by="ivan@far.example", at=server.now - timedelta(seconds=90))
    second = await reader.read(last_cursor(first))
    assert late["uri"] in ids(second)


async def test_two_instances_tell_of_one_post_once(server: Server) -> None:
    async with Server() as other:
        status = server.publish("раз #тепло", by="ivan@far.example")
        other.publish("раз #тепло", by="ivan@far.example", uri=status["uri"])
        items = await Reader(server, other, instance=TAG).read()
    assert ids(items) == [status["uri"]]
