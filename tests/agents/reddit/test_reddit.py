"""What is collected of Reddit: listings, threads, edits, what goes, closed places, bad answers."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration, CursorCorrupt
from tests.agents.reddit.reading import TEPLO, reader
from tests.agents.reddit.server import Server
from tests.agents.telegram.items import ids, last_cursor, posts

pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # asyncprawcore uses it


async def test_a_subreddit_whole(site: Server) -> None:
    post = site.publish("Банк 😀", "текст &amp; ещё", over_18=True, link_flair_text="Жалоба")
    answer = site.comment(post, "да", author="[deleted]")
    deep = site.comment(answer, "нет")
    found = posts(await reader(site).read())
    assert set(found) == {post, answer, deep}
    assert found[post].text == "Банк 😀\nтекст & ещё"
    assert found[post].extras == {"score": 1, "flair": "Жалоба", "nsfw": True}
    assert (found[deep].reply_to, found[deep].thread_root) == (f"reddit:{answer}", f"reddit:{post}")
    assert found[answer].author is None
    assert site.agents == {"server:molva:v0.1 (by /u/molva_admin) Async PRAW/8.0.3 asyncprawcore/4.0.0"}


async def test_own_users_places_and_searches(site: Server) -> None:
    named = site.publish("Teplobank down", place="news")
    site.publish("xteplobankx", place="news")
    own = site.publish("We work on it", place="other", author="teplo_team")
    home = site.publish("Home", place="teplobank")
    under = site.comment(own, "thanks")
    found = posts(await reader(site, TEPLO).read(until=lambda items: under in ids(items)))
    assert set(found) == {named, own, home, under}
    assert found[own].author.own
    assert found[home].channel.own


async def test_crossposts_galleries_and_links(site: Server) -> None:
    origin = site.publish("Первый", "слова", place="news")
    cross = site.publish(
        "Смотрите", crosspost_parent=origin, crosspost_parent_list=[site.things[origin]], novelty={"x": 1}
    )
    picture = {"status": "valid", "e": "Image", "s": {"u": "https://preview.redd.it/a.jpg?x=1&amp;y=2"}}
    gallery = site.publish("", is_gallery=True, media_metadata={"a": picture, "b": {"e": "Hologram"}})
    link = site.publish("Ссылка", url_overridden_by_dest="https://blog.example/1", post_hint="link")
    found = posts(await reader(site).read())
    assert (found[cross].kind, found[cross].repost_of) == ("repost", f"reddit:{origin}")
    assert found[cross].text == "Смотрите\nПервый\nслова"
    assert [each.kind for each in found[gallery].media] == ["photo", "document"]
    assert [each.url for each in found[link].media] == ["https://blog.example/1"]


async def test_edits_and_deletions(site: Server) -> None:
    post = site.publish("Банк")
    edited, deleted, removed = (site.comment(post, text) for text in ("раз", "два", "три"))
    read = reader(site)
    items = await read.read()
    site.things[edited].update(body="раз, правка", edited=float(site.seconds + 30))
    site.things[deleted].update(body="[deleted]", author="[deleted]")
    site.things[removed].update(body="[removed]")
    items = await read.read(last_cursor(items), until=read.passed(hours=3))
    assert sorted(ids(items)) == sorted([f"{edited}@", f"-{deleted}", f"-{removed}"])
    del site.things[post]
    items = await read.read(last_cursor(items), until=read.passed(hours=3))
    assert ids(items) == [f"-{post}"]


async def test_a_tree_with_comments_left_out(site: Server) -> None:
    post = site.publish("Teplobank", place="news")
    names = [site.comment(post, f"{number}") for number in range(150)]
    site.hidden_in_tree = 120
    found = await reader(site, TEPLO).read(until=lambda items: len(ids(items)) == 151)
    assert set(ids(found)) == {post, *names}


async def test_more_news_than_a_page_while_posts_vanish(site: Server) -> None:
    site.publish("первый")
    read = reader(site)
    cursor = last_cursor(await read.read())
    names = []
    for number in range(350):
        site.now = site.now.replace(second=number % 60, minute=number // 60)
        names.append(site.publish(f"новость {number}"))
    read.time.move(minutes=7)

    pages: set[str] = set()

    def vanish(request: web.Request) -> None:
        after, count = request.query.get("after"), request.query.get("count", "")
        if after and count not in pages:
            pages.add(count)
            site.things[after]["removed"] = True  # the anchor: Reddit gives an empty page behind it
            site.publish("ещё")

    site.before = vanish
    found = set(ids(await read.read(cursor)))
    assert set(names) <= found


@pytest.mark.parametrize(("status", "reason"), [(403, "private"), (403, "quarantined"), (404, "banned")])
async def test_closed_places(
    site: Server, status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    post = site.publish("Банк")
    site.closed["secret"] = (status, reason)
    found = await reader(site, subreddits=["secret", "banki"], users=["u/gone_user"]).read()
    assert ids(found) == [post]
    assert f"r/secret/new: is {reason}" in caplog.text


async def test_a_subreddit_that_does_not_exist_is_told(
    site: Server, caplog: pytest.LogCaptureFixture
) -> None:
    post = site.publish("Банк")
    site.unknown.add("bankii")
    read = reader(site, subreddits=["bankii", "banki"])
    assert ids(await read.read()) == [post]
    assert (
        "r/bankii/new: is not there (Reddit leads to /subreddits/search); is the name right?" in caplog.text
    )
    labels = {"agent": "reddit:one", "error": "Absent"}
    assert read.metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 2


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": b" " * (6 << 20)}], ids=["500", "too large"])
async def test_a_tree_that_cannot_be_read_holds_up_no_other(site: Server, answer: Any) -> None:
    posts = [site.publish(f"Teplobank {number}", place="news") for number in range(3)]
    comments = [site.comment(name, "раз") for name in posts]
    bad = f"/comments/{posts[0][3:]}"
    site.poison = lambda request: web.Response(**answer) if request.path == bad else None
    read = reader(site, TEPLO)
    items = await read.read(until=read.passed(hours=1))
    assert set(ids(items)) == {*posts, *comments[1:]}
    assert site.requests[bad] < 3 * 6, "each time twice as late"
    site.things[posts[1]].update(selftext="правка", edited=float(site.seconds))
    items = await read.read(last_cursor(items), until=read.passed(hours=1))
    assert ids(items) == [f"{posts[1]}@"]
    site.poison = lambda request: None
    items = await read.read(last_cursor(items), until=read.passed(hours=3))
    assert ids(items) == [comments[0]]


async def test_an_expired_token_is_renewed(site: Server) -> None:
    post = site.publish("Банк")
    read = reader(site)
    site.before = lambda request: site.valid.clear() if len(site.times) == 2 else None
    assert ids(await read.read()) == [post]
    assert site.tokens == 2


async def test_wrong_credentials_are_told(site: Server) -> None:
    with pytest.raises(BadConfiguration, match="refuses `client_id`") as told:
        await reader(site, client_secret="env:KEY").read(until=lambda items: False)
    assert "secret-key" not in str(told.value)
    with pytest.raises(BadConfiguration, match="nothing to collect"):
        await reader(site, subreddits=[]).read()
    with pytest.raises(CursorCorrupt):
        await reader(site).read("{}x")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: [web.Response(status=429, headers={"Retry-After": "90"})],
        lambda: [web.Response(status=503) for _ in range(3)],
        lambda: [web.Response(text="{", content_type="application/json")],
        lambda: [web.json_response({})],
    ],
    ids=["429", "503", "broken", "empty"],
)
@pytest.mark.parametrize("spoiled", ["/r/", "/api/info"])
async def test_bad_answers_cost_time_only(site: Server, spoiled: str, answer: Any) -> None:
    names = [site.publish("Банк")]
    names.append(site.comment(names[0], "да"))
    site.spoiled, site.answers = spoiled, answer()
    read = reader(site)
    assert sorted(ids(await read.read(until=read.passed(hours=2)))) == sorted(names)
    assert not site.answers
