"""What is collected of Hacker News: searches, threads, edits, what goes and comes back, odd items."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration, CursorCorrupt, Rejected
from pipeline.core.watchlist import Watchlist, WatchObject
from tests.agents.hackernews.reading import reader
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


@pytest.mark.parametrize("answer", [{"status": 500}, {"text": "{", "content_type": "application/json"}])
async def test_an_item_that_cannot_be_read_holds_up_no_other(site: Server, answer: Any) -> None:
    """The search has it, so it is a post as the search has it; below a story it is passed over."""
    story, other = site.publish("kafka"), site.publish("kafka too")
    bad, good, deep = site.comment(story, "one"), site.comment(story, "two"), site.comment(other, "three")
    poisoned = {f"/v0/item/{other}.json", f"/v0/item/{bad}.json"}
    site.poison = lambda request: web.Response(**answer) if request.path in poisoned else None
    read = reader(site)
    items = await read.read(until=read.passed(hours=1))
    assert set(ids(items)) == {str(story), str(other), str(good)}
    late = site.publish("kafka again")
    items = await read.read(last_cursor(items), until=read.passed(hours=1))
    assert ids(items) == [str(late)]
    site.poison = lambda request: None
    items = await read.read(last_cursor(items), until=read.passed(hours=4))
    assert set(ids(items)) == {str(bad), str(deep)}


async def test_mistakes_are_told(site: Server) -> None:
    with pytest.raises(CursorCorrupt):
        await reader(site).read("{}x")
    with pytest.raises(BadConfiguration, match="nothing to look for"):
        await reader(site, queries=[]).read()
    with pytest.raises(ValueError, match="is no user"):
        reader(site, users=["no user!"])
