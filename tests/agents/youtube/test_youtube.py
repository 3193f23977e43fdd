"""What is collected of YouTube: videos, comments and answers, edits, the quota, kills, limits, a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration, CursorCorrupt
from tests.agents.telegram.items import ids, kills, last_cursor, posts
from tests.agents.youtube.reading import reader, teplo
from tests.agents.youtube.server import Server, iso


async def test_a_channel_with_comments(site: Server) -> None:
    channel = site.channel("@teplobank", "Тепло Банк")
    video = site.publish(channel, "Ролик 😀", "описание <b>")
    top = site.comment(video, "вопрос & ответ")
    answers = [site.comment(video, f"{number}", parent=top) for number in range(8)]
    gone = site.comment(
        video, "", authorDisplayName="", authorChannelId=None, textDisplay="a<br>b", textOriginal=None
    )
    read = reader(site)
    found = posts(await read.read(until=read.passed(minutes=5)))
    assert set(found) == {video, top, gone, *answers}
    assert found[video].text == "Ролик 😀\nописание <b>"
    assert (found[video].engagement.views, found[video].url) == (
        100,
        f"https://www.youtube.com/watch?v={video}",
    )
    assert (found[top].text, found[top].reply_to) == ("вопрос & ответ", f"youtube:{video}")
    assert (found[answers[0]].reply_to, found[answers[0]].thread_root) == (
        f"youtube:{top}",
        f"youtube:{video}",
    )
    assert (found[gone].author, found[gone].text) == (None, "a\nb")


async def test_own_channels_and_searches(site: Server) -> None:
    own, other = site.channel("@teplobank"), site.channel("@other")
    home = site.publish(own, "У нас новости")
    reply = site.comment(home, "Здравствуйте!", authorChannelId={"value": own})
    named = site.publish(other, "Teplobank outage")
    site.publish(other, "xteplobankx")
    read = reader(site, teplo("@TeploBank"))
    found = posts(await read.read(until=lambda items: len(ids(items)) >= 3 and reply in ids(items)))
    assert set(found) == {home, reply, named}
    assert found[home].channel.own
    assert found[reply].author.own
    assert not found[named].channel.own


async def test_edits_deletions_and_new_answers(site: Server) -> None:
    channel = site.channel("@teplobank")
    video, closed = site.publish(channel, "раз"), site.publish(channel, "два")
    site.closed.add(closed)
    top = site.comment(video, "слово")
    read = reader(site)
    items = await read.read()
    site.comments[top].update(textOriginal="слово, правка", updatedAt=iso(site.now + timedelta(minutes=5)))
    answer = site.comment(video, "ответ", parent=top)
    site.videos[video]["title"] = "раз!"
    del site.videos[closed]
    items = await read.read(last_cursor(items), until=read.passed(hours=2))
    assert sorted(ids(items)) == sorted([f"{top}@", answer, f"{video}@", f"-{closed}"])
    assert posts(items)[top].edited_at == site.now.replace(hour=12, minute=5)


async def test_pages_shift_while_they_are_read(site: Server) -> None:
    video = site.publish(site.channel("@teplobank"), "раз")
    names = [site.comment(video, f"{number}", at=site.now - timedelta(hours=1)) for number in range(350)]

    def shift(request: web.Request) -> None:
        if "pageToken" in request.query and len(names) < 360:
            names.append(site.comment(video, "новее"))

    site.before = shift
    read = reader(site)
    found = ids(await read.read(until=read.passed(hours=1)))
    assert {video, *names} <= set(found)
    assert len(found) == len(set(found))


async def test_a_page_token_that_is_too_old_begins_anew(site: Server) -> None:
    video = site.publish(site.channel("@teplobank"), "раз")
    names = [site.comment(video, f"{number}") for number in range(250)]
    read = reader(site)
    items = await read.read(until=lambda items: len(ids(items)) > 150 and items[-1].cursor is not None)
    error = {"error": {"code": 400, "message": "no", "errors": [{"reason": "invalidPageToken"}]}}
    site.spoiled, site.answers = "/youtube/v3/commentThreads", [web.json_response(error, status=400)]
    rest = await read.read(last_cursor(items), until=read.passed(hours=1))
    assert set(ids(items)) | set(ids(rest)) == {video, *names}


@pytest.mark.parametrize("reason", ["API_KEY_INVALID", "accessNotConfigured", "ipRefererBlocked"])
async def test_keys_that_a_person_must_mend(site: Server, reason: str) -> None:
    site.channel("@teplobank")
    site.refusal = (403, reason)
    with pytest.raises(BadConfiguration, match="key") as told:
        await reader(site).read(until=lambda items: False)
    assert "secret-key" not in str(told.value)


async def test_mistakes_are_told(site: Server) -> None:
    with pytest.raises(BadConfiguration, match="no channel @teplobank"):
        await reader(site).read(until=lambda items: False)
    with pytest.raises(BadConfiguration, match="nothing to collect"):
        await reader(site, channels=[]).read()
    with pytest.raises(CursorCorrupt):
        await reader(site).read("{}x")


@pytest.mark.parametrize("spoiled", ["playlistItems", "videos", "commentThreads"])
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
async def test_bad_answers_cost_time_only(site: Server, spoiled: str, answer: Any) -> None:
    video = site.publish(site.channel("@teplobank"), "раз")
    top = site.comment(video, "слово")
    site.spoiled, site.answers = f"/youtube/v3/{spoiled}", answer()
    read = reader(site)
    assert sorted(ids(await read.read(until=read.passed(hours=12)))) == sorted([video, top])
    assert not site.answers


async def test_nothing_is_lost_by_a_kill_at_any_item(site: Server) -> None:
    channel = site.channel("@teplobank")
    for number in range(4):
        video = site.publish(channel, f"{number}")
        for _ in range(2):
            top = site.comment(video, "слово")
            for _ in range(6):
                site.comment(video, "ответ", parent=top)
    everything = {*site.videos, *site.comments}
    read = reader(site)
    whole = await read.read(until=read.passed(minutes=5))
    assert set(ids(whole)) == everything
    for before, saved in kills(whole, None):
        again = reader(site)
        rest = await again.read(saved, until=again.passed(minutes=5))
        assert set(before) | set(ids(rest)) == everything
