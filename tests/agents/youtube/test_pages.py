"""Uploads and searches of several pages, what shifts and vanishes meanwhile, and what cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from agents.youtube.cursor import Cursor
from tests.agents.discussions.reading import Reader
from tests.agents.telegram.items import ids, kills, last_cursor
from tests.agents.youtube.reading import reader
from tests.agents.youtube.server import Server, failure


def errors(read: Reader, name: str) -> float:
    labels = {"agent": "youtube:one", "error": name}
    return read.metrics.registry.get_sample_value("molva_agent_errors_total", labels) or 0.0


@pytest.mark.parametrize(
    "answer",
    [lambda: failure(400, "processingFailure"), lambda: web.Response(status=500)],
    ids=["400", "500"],
)
async def test_a_video_whose_comments_cannot_be_read_holds_up_no_other(site: Server, answer: Any) -> None:
    channel = site.channel("@teplobank")
    videos = [site.publish(channel, f"{number}") for number in range(3)]
    bad = videos[0]

    def poison(request: web.Request) -> web.Response | None:
        return answer() if request.query.get("videoId") == bad else None

    site.poison = poison
    comments = [site.comment(video, "слово") for video in videos]
    read = reader(site)
    items = await read.read(until=read.passed(hours=1))
    assert set(ids(items)) == {*videos, *comments[1:]}
    asked = site.requests["/youtube/v3/commentThreads"]
    late = [site.comment(video, "позже") for video in videos]
    items = await read.read(last_cursor(items), until=read.passed(hours=1))
    assert set(ids(items)) == set(late[1:])
    site.poison = lambda request: None
    items = await read.read(last_cursor(items), until=read.passed(hours=2))
    assert set(ids(items)) == {comments[0], late[0]}, "it is tried again, more and more seldom"
    assert asked < 30
    assert errors(read, "Reason") + errors(read, "Refused") >= 2


async def test_new_videos_on_several_pages_survive_a_kill_between_them(site: Server) -> None:
    channel = site.channel("@teplobank")
    site.publish(channel, "старое")
    read = reader(site, comments=False)
    cursor = last_cursor(await read.read())
    read.time.move(hours=1)
    site.now = read.time.clock()
    new = {site.publish(channel, f"{number}") for number in range(130)}
    whole = await read.read(cursor, until=read.passed(minutes=1))
    assert set(ids(whole)) == new, "more than `history`, which is for a channel that is new"
    for before, saved in [*kills(whole, cursor)][:8]:
        later = {site.publish(channel, "новее") for _ in range(3)}
        again = reader(site, comments=False)
        again.time.move(hours=2)
        rest = await again.read(saved, until=again.passed(minutes=1))
        assert new | later <= set(before) | set(ids(rest))
        new |= later
    assert not Cursor.read(last_cursor(whole)).channels["@teplobank"].reached


async def test_a_failure_between_pages_loses_no_video(site: Server) -> None:
    channel = site.channel("@teplobank")
    site.publish(channel, "старое")
    read = reader(site, comments=False)
    cursor = last_cursor(await read.read())
    read.time.move(hours=1)
    new = {site.publish(channel, f"{number}", at=read.time.clock()) for number in range(130)}
    failed = 0

    def poison(request: web.Request) -> web.Response | None:
        nonlocal failed
        if "pageToken" not in request.query or failed >= 3:
            return None
        failed += 1
        return web.Response(status=503)

    site.poison = poison
    assert set(ids(await read.read(cursor, until=read.passed(hours=3)))) == new
    assert failed == 3


async def test_videos_that_vanish_while_pages_are_read_hide_no_other(site: Server) -> None:
    channel = site.channel("@teplobank")
    site.publish(channel, "старое")
    read = reader(site, comments=False)
    cursor = last_cursor(await read.read())
    read.time.move(hours=1)
    new = [site.publish(channel, f"{number}", at=read.time.clock()) for number in range(130)]
    gone: list[str] = []

    def vanish(request: web.Request) -> None:
        if "pageToken" in request.query and len(gone) < 6:
            gone.extend(new[-3 - len(gone) :][:3])
            for number in gone[-3:]:
                site.videos.pop(number, None)
            new.append(site.publish(channel, "новее"))

    site.before = vanish
    found = set(ids(await read.read(cursor, until=read.passed(hours=1))))
    assert gone
    assert {number for number in new if number in site.videos} <= found


async def test_a_search_with_more_than_a_page_is_read_to_its_end(site: Server) -> None:
    channel = site.channel("@other")
    made = [
        site.publish(channel, f"банк {number}", at=site.now - timedelta(hours=number // 2))
        for number in range(170)
    ]
    entry: dict[str, Any] = {
        "channels": (), "queries": ["банк", "редкое"], "comments": False, "daily_units": 1_000_000,
    }  # fmt: skip
    read = reader(site, **entry)
    whole = await read.read(until=read.passed(minutes=50))
    assert set(ids(whole)) == set(made)
    assert Cursor.read(last_cursor(whole)).searches["банк"].until == 0
    for before, saved in [*kills(whole, None)][::9]:
        again = reader(site, **entry)
        rest = await again.read(saved, until=again.passed(minutes=50))
        assert set(before) | set(ids(rest)) == set(made)
    assert not errors(read, "SearchTruncated")


async def test_a_search_that_was_not_asked_for_long_says_so(site: Server) -> None:
    channel = site.channel("@other")
    read = reader(site, channels=(), queries=["банк"], comments=False)
    cursor = last_cursor(await read.read(until=read.passed(hours=1)))
    lost = site.publish(channel, "банк", at=site.now + timedelta(hours=1))
    read.time.move(days=9)
    new = site.publish(channel, "банк", at=read.time.clock() - timedelta(days=2))
    found = ids(await read.read(cursor, until=lambda items: len(ids(items)) > 0))
    assert found == [new] != [lost]
    assert errors(read, "SearchTruncated") == 1
