"""Edited entries of feeds become revisions; those that only look edited do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aiohttp import web

from agents.base import Collected, Found
from agents.manual_time import NOON, JumpingTime
from agents.rss.source import FeedState, RssCursor
from pipeline.metrics import Metrics
from schemas import RawPost
from tests.agents.rss.server import XML, FeedServer, polls, rss, source_of
from tests.agents.telegram.items import ids, kills


def item(text: str, *, published: str = "Sat, 21 Nov 2026 11:00:00 GMT", updated: str = "") -> bytes:
    dates = f"<pubDate>{published}</pubDate>" if published else ""
    dates += f"<atom:updated>{updated}</atom:updated>" if updated else ""
    return (
        f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><item><guid>u://1</guid>'
        f"<title>{text}</title>{dates}</item></channel></rss>"
    ).encode()


def posts(items: Sequence[Collected]) -> list[RawPost]:
    return [item.post for item in items if isinstance(item, Found)]


def cursor_of(items: Sequence[Collected]) -> str:
    return [item.cursor for item in items if item.cursor is not None][-1]


async def read(
    server: FeedServer, metrics: Metrics, *documents: bytes, cursor: str | None = None
) -> list[Collected]:
    waiting = iter(documents)
    feed = server.feed("/a", lambda _: web.Response(body=next(waiting), content_type=XML))
    return await polls(source_of([feed], metrics, JumpingTime()), len(documents), cursor)


async def test_an_edit_is_a_revision_dated_by_the_feed(server: FeedServer, metrics: Metrics) -> None:
    edited = item("новее", updated="2026-11-21T12:03:00Z")
    first, second = posts(await read(server, metrics, item("текст"), edited, edited))
    assert (first.revision, first.edited_at) == (0, None)
    assert second.edited_at == datetime(2026, 11, 21, 12, 3, tzinfo=UTC)
    assert second.revision == int(second.edited_at.timestamp() * 1000)
    assert (second.id, second.created_at, second.text) == (first.id, first.created_at, "новее")


async def test_an_edit_without_a_date_is_dated_when_it_is_found(server: FeedServer, metrics: Metrics) -> None:
    items = await read(server, metrics, item("текст"), item("текст  "), item("новее"))
    first, second = posts(items)
    assert second.edited_at is not None and second.edited_at >= NOON + timedelta(minutes=10)
    assert second.created_at == first.created_at
    later = posts(await read(server, metrics, item("ещё новее"), cursor=cursor_of(items)))
    assert [post.text for post in later] == ["ещё новее"] and later[0].revision > 0


async def test_entries_without_any_date_keep_the_moment_of_their_collection(
    server: FeedServer, metrics: Metrics
) -> None:
    first, second = posts(
        await read(server, metrics, item("текст", published=""), item("новее", published=""))
    )
    assert second.created_at == first.created_at == NOON and second.revision > 0


async def test_an_entry_that_changes_at_each_look_is_let_be(server: FeedServer, metrics: Metrics) -> None:
    found = posts(await read(server, metrics, *(item(f"просмотров {number}") for number in range(30))))
    assert len(found) == 11 and len({post.event_id for post in found}) == 11


async def test_a_cursor_without_digests_brings_no_revisions(server: FeedServer, metrics: Metrics) -> None:
    items = await read(server, metrics, item("текст"))
    ((url, state),) = RssCursor.model_validate_json(cursor_of(items)).feeds.items()
    old = RssCursor(feeds={url: FeedState(seen=tuple(text[:16] for text in state.seen))}).model_dump_json()
    again = await read(server, metrics, item("другой"), item("третий"), cursor=old)
    assert [post.text for post in posts(again)] == ["третий"]


async def test_nothing_is_lost_by_a_kill_at_any_item(server: FeedServer, metrics: Metrics) -> None:
    documents = [rss(*range(number, number + 6)) for number in range(0, 30, 3)]

    async def read_all(cursor: str | None) -> list[Collected]:
        waiting = iter(documents)
        feed = server.feed("/a", lambda _: web.Response(body=next(waiting), content_type=XML))
        return await polls(source_of([feed], metrics, JumpingTime()), len(documents), cursor)

    whole = await read_all(None)
    for before, saved in kills(whole, None):
        assert set(before) | set(ids(await read_all(saved))) == set(ids(whole))
