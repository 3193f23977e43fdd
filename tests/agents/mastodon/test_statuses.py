"""Statuses of all kinds -> posts: boosts, polls, warnings, what is missing, odd, or damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agents.base import Found, Rejected
from agents.mastodon.statuses import is_shown, post_of
from schemas import RawPost

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URI = "https://far.example/users/anna/statuses/1"


def status(**fields: Any) -> dict[str, Any]:
    account = {"id": "7", "username": "anna", "acct": "anna@far.example", "url": "https://far.example/@anna"}
    return {
        "id": "115000000000000001",
        "uri": URI,
        "url": "https://far.example/@anna/1",
        "created_at": "2026-11-21T11:59:00.000Z",
        "visibility": "public",
        "content": "<p>текст</p>",
        "account": account,
        **fields,
    }


def post(**fields: Any) -> RawPost:
    made = post_of(status(**fields), host="home.example", own=lambda _: False, now=NOW, reply=(None, None))
    assert isinstance(made, Found), made
    return made.post


def test_html_becomes_the_text_that_people_read() -> None:
    content = (
        '<p><span class="h-card" translate="no"><a href="https://a.example/@b" class="u-url mention">'
        "@<span>b</span></a></span> первая<br />вторая 😀</p>"
        '<p><a href="https://a.example/tags/x" class="mention hashtag">#<span>x</span></a> '
        '<a href="https://news.example/very/long/path?a=1&amp;b=2"><span class="invisible">https://</span>'
        '<span class="ellipsis">news.example/very</span>'
        '<span class="invisible">/long/path?a=1&amp;b=2</span></a></p><script>alert(1)</script>'
    )
    assert post(content=content).text == (
        "@b первая\nвторая 😀\n#x https://news.example/very/long/path?a=1&b=2"
    )


def test_warnings_and_polls_are_part_of_the_text() -> None:
    poll = {"id": "1", "options": [{"title": "Тепло Банк", "votes_count": 1}, {"title": "другой"}]}
    made = post(spoiler_text="осторожно", poll=poll, sensitive=True)
    assert made.text == "осторожно\nтекст\nТепло Банк\nдругой"
    assert made.extras["warning"] == "осторожно"
    assert made.extras["sensitive"] is True
    assert [(each.kind, each.alt) for each in made.media] == [("poll", "Тепло Банк; другой")]


def test_a_boost_is_a_repost_of_the_original() -> None:
    original = status(uri="https://x.example/1", content="<p>слово</p>", spoiler_text="", favourites_count=5)
    original["account"] = {"acct": "ivan@x.example", "url": "https://x.example/@ivan"}
    made = post(uri=f"{URI}/activity", url=None, content="", reblog=original)
    assert (made.kind, made.repost_of, made.text) == ("repost", "mastodon:https://x.example/1", "слово")
    assert (made.url, made.extras["boosted_from"]) == (f"{URI}/activity", "ivan@x.example")
    assert made.engagement.likes == 5


def test_media_of_known_and_unknown_kinds_without_any_text() -> None:
    attachments = [
        {"type": "image", "url": "https://m.example/1.png", "description": "снимок"},
        {"type": "gifv", "url": None, "remote_url": "https://m.example/2.mp4", "description": None},
        {"type": "hologram", "url": "https://m.example/3"},
        {"type": "audio"},
        "nonsense",
    ]
    card = {"url": "https://news.example/1", "title": "Новость"}
    made = post(content="", media_attachments=attachments, card=card, brand_new_field={"a": 1})
    assert made.text == ""
    assert [each.kind for each in made.media] == ["photo", "video", "document", "audio", "link"]
    assert (made.media[0].alt, made.media[1].url) == ("снимок", "https://m.example/2.mp4")
    assert made.media[4].alt == "Новость"


def test_an_edit_is_a_revision_in_milliseconds() -> None:
    made = post(edited_at="2026-11-21T11:59:30.250Z")
    assert (made.revision, made.created_at.second) == (1795262370250, 0)
    assert made.edited_at == datetime(2026, 11, 21, 11, 59, 30, 250000, tzinfo=UTC)


@pytest.mark.parametrize("account", [None, {}, "gone"])
def test_an_author_who_is_gone(account: Any) -> None:
    made = post(account=account)
    assert (made.author, made.channel, made.text) == (None, None, "текст")


def test_bots_and_people_who_were_suspended_or_moved_are_flagged() -> None:
    moved = {"acct": "anna@new.example", "url": "https://new.example/@anna"}
    account = {**status()["account"], "bot": True, "suspended": True, "limited": True, "moved": moved}
    account |= {"followers_count": -1, "created_at": "nonsense", "display_name": "<b>Анна</b> :blob:"}
    made = post(account=account)
    assert made.author is not None
    assert (made.author.name, made.author.followers, made.author.created_at) == ("Анна :blob:", None, None)
    assert {"bot", "suspended", "limited"} <= made.extras.keys()
    assert made.extras["moved_to"] == "anna@new.example"


def test_replies_to_others_are_comments_and_own_threads_are_not() -> None:
    assert post(in_reply_to_id="5", in_reply_to_account_id="8").kind == "comment"
    assert post(in_reply_to_id="5", in_reply_to_account_id="7").kind == "post"
    assert post(in_reply_to_id="5", in_reply_to_account_id=None).kind == "comment"


def test_a_quote_names_what_it_quotes() -> None:
    quote = {"state": "accepted", "quoted_status": status(uri="https://x.example/9")}
    assert post(quote=quote).extras["quote_of"] == "mastodon:https://x.example/9"
    assert "quote_of" not in post(quote={"state": "revoked", "quoted_status": None}).extras


@pytest.mark.parametrize(
    ("visibility", "shown"),
    [("public", True), ("unlisted", True), ("private", False), ("direct", False), ("local", False)],
)
def test_what_is_not_for_everybody_is_not_shown(visibility: str, shown: bool) -> None:
    assert is_shown(status(visibility=visibility)) is shown


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"created_at": None}, "created_at"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "1985-01-01T00:00:00Z"}, "before 2000"),
        ({"uri": "", "url": ""}, "native_id"),
        ({"uri": "https://x.example/" + "x" * 400}, "native_id"),
        ({"content": "я" * 100_001}, "text"),
    ],
)
def test_what_is_no_post_is_rejected(fields: dict[str, Any], why: str) -> None:
    made = post_of(status(**fields), host="home.example", own=lambda _: False, now=NOW, reply=(None, None))
    assert isinstance(made, Rejected)
    assert why in made.detail
    assert made.origin == "mastodon:home.example/115000000000000001"
