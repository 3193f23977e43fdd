"""What is collected of Hacker News: searches, threads, edits, what goes and comes back, odd items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration, CursorCorrupt, Found, Rejected
from agents.hackernews.api import PAGE
from agents.hackernews.cursor import MAX_ITEMS, MAX_THREADS, Cursor
from agents.kinds import load
from agents.rates import Limit
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.discussions.reading import Reader
from tests.agents.hackernews.server import Server
from tests.agents.telegram.items import ids, kills, last_cursor, posts

TEPLO = Watchlist(
    (
        WatchObject.model_validate(
            {
                "id": "teplo",
                "kind": "brand",
                "name": "Тепло Банк",
                "aliases": ["Teplobank"],
                "accounts": {"hackernews": ["teplo_team"]},
            }
        ),
    )
)


@pytest.fixture
async def site() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


def reader(site: Server, watchlist: Watchlist | None = None, **given: Any) -> Reader:
    entry = {"name": "one", "kind": "hackernews", "search_api": site.url, "items_api": site.url}
    queries = {} if watchlist else {"queries": ["kafka"]}
    return Reader(load("hackernews"), site, {**entry, **queries, **given}, watchlist)


async def test_a_story_with_its_thread(site: Server) -> None:
    story = site.publish("Ask HN: Kafka &amp; friends?", '<p>one<p>two &#x27;😀&#x27; <a href="x">here</a>')
    first = site.comment(story, "yes<p>indeed")
    second = site.comment(first, "no")
    site.publish("Nothing to see")
    found = posts(await reader(site).read(until=lambda items: len(ids(items)) == 3))
    post, answer, deep = (found[str(number)] for number in (story, first, second))
    assert (post.kind, post.text) == ("post", "Ask HN: Kafka & friends?\none\ntwo '😀' here")
    assert post.url == f"https://news.ycombinator.com/item?id={story}"
    assert (post.extras["type"], post.engagement.comments, post.author.id) == ("ask", 2, "pg")
    assert (answer.kind, answer.text, answer.reply_to) == ("comment", "yes\nindeed", f"hackernews:{story}")
    assert (deep.reply_to, deep.thread_root) == (f"hackernews:{first}", f"hackernews:{story}")


async def test_a_comment_that_is_found_stands_alone(site: Server) -> None:
    story = site.publish("Databases")
    found = site.comment(site.comment(story, "which?"), "kafka")
    item = posts(await reader(site).read())
    assert list(item) == [str(found)]
    assert item[str(found)].thread_root == f"hackernews:{story}"


async def test_aliases_keep_what_names_something_and_own_users_are_collected_whole(site: Server) -> None:
    named = site.publish("Teplobank has an outage")
    own = site.publish("We hire", by="teplo_team", kind="job")
    site.publish("xteplobankx")
    found = posts(await reader(site, TEPLO).read())
    assert set(found) == {str(named), str(own)}
    assert (found[str(own)].author.own, found[str(named)].author.own) == (True, False)
    assert found[str(own)].extras["type"] == "job"


async def test_polls_and_links(site: Server) -> None:
    parts = [site._add({"type": "pollopt", "text": text, "by": "pg"}) for text in ("Yes", "No")]
    poll = site.publish("Kafka or not?", kind="poll", parts=parts, url="https://blog.example/kafka")
    post = posts(await reader(site).read())[str(poll)]
    assert post.text == "Kafka or not?\nYes\nNo"
    assert [each.kind for each in post.media] == ["link", "poll"]
    assert post.extras == {"type": "poll", "site": "blog.example"}


async def test_edits_and_deletions(site: Server) -> None:
    story = site.publish("kafka 1")
    one, two = site.comment(story, "first"), site.comment(story, "second")
    read = reader(site)
    items = await read.read(until=lambda items: len(ids(items)) == 3 and items[-1].cursor is not None)
    site.change(one, text="first, edited")
    site.change(two, deleted=True)
    late = site.comment(one, "late")
    items = await read.read(last_cursor(items), until=read.passed(hours=2))
    assert sorted(ids(items)) == sorted([f"{one}@", f"-{two}", str(late)])
    edited = posts(items)[str(one)]
    assert edited.text == "first, edited"
    assert edited.created_at <= edited.collected_at
    assert edited.revision > 0


async def test_hidden_items(site: Server) -> None:
    story = site.publish("kafka")
    dead, flagged = site.comment(story, "spam", dead=True), site.comment(story, "rude")
    read = reader(site)
    items = await read.read(until=read.passed(minutes=10))
    assert ids(items) == [str(story), str(flagged)], "what was hidden from the beginning is no post"
    site.change(flagged, dead=True)
    site.change(dead, dead=False)
    items = await read.read(last_cursor(items), until=read.passed(minutes=10))
    assert sorted(ids(items)) == sorted([str(dead), f"-{flagged}"]), "vouched for; hidden for a while"


async def test_odd_items(site: Server) -> None:
    gone = site.publish("kafka", by=None, score=None)
    del site.items[gone]["by"]
    future = site.publish("kafka", novelty={"deep": [1]}, kind="novelty", time=site.seconds + 60)
    ancient = site.publish("kafka", time=site.seconds - 10)
    early = site.publish("kafka early")
    site.unsynced.add(early)
    site.before = lambda request: site.items[ancient].update(time=5) if "item" in request.path else None
    items = await reader(site).read(until=lambda items: len(items) > 5)
    assert set(ids(items)) == {str(gone), str(early)}
    assert posts(items)[str(gone)].author is None
    assert [each.origin for each in items if isinstance(each, Rejected)] == [f"hackernews:{ancient}"]
    later = reader(site)
    later.time.move(minutes=2)
    assert str(future) in ids(await later.read())


async def test_nothing_is_lost_by_a_kill_at_any_item(site: Server) -> None:
    for number in range(3):
        story = site.publish(f"kafka {number}")
        for _ in range(3):
            site.comment(site.comment(story, "outer"), "inner")
    read = reader(site)
    whole = await read.read(until=read.passed(minutes=5))
    assert len(set(ids(whole))) == 3 * 7
    for before, saved in kills(whole, None):
        again = reader(site)
        rest = await again.read(saved, until=again.passed(minutes=5))
        assert set(before) | set(ids(rest)) == set(ids(whole))


@pytest.mark.parametrize("spoiled", ["/api", "/v0/item", "/v0/updates"])
@pytest.mark.parametrize(
    "answer",
    [
        lambda: [web.Response(status=429, headers={"Retry-After": "90"})],
        lambda: [web.Response(status=503) for _ in range(3)],
        lambda: [web.Response(text="{", content_type="application/json")],
        lambda: [web.Response(text="<html>", content_type="text/html")],
        lambda: [web.json_response({})],
        lambda: [web.Response(status=401)],
    ],
    ids=["429", "503", "broken", "html", "empty", "401"],
)
async def test_bad_answers_cost_time_only(site: Server, spoiled: str, answer: Any) -> None:
    story = site.publish("kafka")
    numbers = [story, site.comment(story, "one"), site.comment(story, "two")]
    site.spoiled, site.answers = spoiled, answer()
    read = reader(site)
    found = await read.read(until=read.passed(hours=3))
    assert sorted(ids(found)) == sorted(map(str, numbers))
    assert not site.answers


async def test_an_answer_that_fails_within_a_thread_loses_nothing(site: Server) -> None:
    story = site.publish("kafka")
    numbers = [site.comment(story, f"{number}") for number in range(30)]
    asked = 0

    def spoil(request: web.Request) -> None:
        nonlocal asked
        asked += request.path == f"/v0/item/{numbers[10]}.json"
        site.answers = [web.Response(status=404)] if asked == 1 and not site.answers else []

    site.spoiled, site.before = f"/v0/item/{numbers[10]}", spoil
    read = reader(site)
    found = await read.read(until=read.passed(hours=1))
    assert sorted(ids(found)) == sorted(map(str, [story, *numbers]))


async def test_windows_are_halved_and_none_is_missed(site: Server) -> None:
    numbers = [site.publish(f"kafka {n}", time=site.seconds - 7200 + n // 3) for n in range(PAGE * 2 + 100)]
    begins, ends = site.now - timedelta(hours=3), site.now + timedelta(seconds=1)
    found = await reader(site).past(begins, ends)
    assert ids(found) == [str(number) for number in numbers]
    for before, saved in kills(found, None):
        assert set(before) | set(ids(await reader(site).past(begins, ends, saved))) == set(ids(found))


async def test_a_crowded_second_gives_what_the_search_gives(site: Server) -> None:
    for number in range(PAGE * 2 + 100):
        site.publish(f"kafka {number}", time=site.seconds - 60)
    found = await reader(site).past(site.now - timedelta(minutes=2), site.now)
    assert len(set(ids(found))) == 2 * PAGE


async def test_requests_keep_to_the_limit(site: Server) -> None:
    story = site.publish("kafka")
    for number in range(30):
        site.comment(story, f"{number}")
    read = reader(site)
    await read.read(until=read.passed(minutes=5), limit=Limit(0.5, 2))
    assert len(site.times) > 30
    for first, last in zip(site.times, site.times[3:], strict=False):
        assert (last - first).total_seconds() >= 3.9, "two at once, then one every two seconds"


async def test_a_day_without_growth(site: Server) -> None:
    read = reader(site)
    hour = 0
    sizes: list[int] = []

    def live(_: web.Request) -> None:
        nonlocal hour
        if (passed := int(site.now.timestamp() // 3600)) > hour:
            hour = passed
            story = site.publish(f"kafka {hour}")
            for number in range(5):
                site.comment(story, f"{number}")

    site.before = live
    items = await read.read(until=read.passed(hours=24))
    sizes = [len(item.cursor) for item in items if item.cursor is not None]
    found = [item.post.event_id for item in items if isinstance(item, Found)]
    assert len(found) == len(set(found)) >= 6 * 23
    assert sizes[-1] < 20_000
    known = Cursor.read(last_cursor(items))
    known.trim(int(site.now.timestamp()), 3600 * 6)
    assert len(known.threads) <= 7, "old threads are forgotten"


def test_the_largest_cursor_fits() -> None:
    known = {40_000_000 + number: 0xFFFFFFFF for number in range(MAX_ITEMS // MAX_THREADS)}
    cursor = Cursor.model_validate(
        {"threads": {number: {"date": 10**9, "due": 1, "known": known} for number in range(2 * MAX_THREADS)}}
    )
    cursor.trim(10**9, 10)
    assert len(cursor.threads) == MAX_THREADS
    assert len(cursor.written()) < 400_000
    assert Cursor.read(cursor.written()) == cursor


async def test_mistakes_are_told(site: Server) -> None:
    with pytest.raises(CursorCorrupt):
        await reader(site).read("{}x")
    with pytest.raises(BadConfiguration, match="nothing to look for"):
        await reader(site, queries=[]).read()
    with pytest.raises(ValueError, match="is no user"):
        reader(site, users=["no user!"])
