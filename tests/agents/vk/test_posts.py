"""Objects of VK as posts: the odd ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.base import Found, Rejected
from agents.seen import Seen
from agents.vk.attachments import media_of
from agents.vk.cursor import MAX_COMMENTS, MAX_WATCHED, Cursor, Watched
from agents.vk.names import place_name
from agents.vk.people import People
from agents.vk.posts import comment_of, other_comment, plain, post_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PEOPLE = People(
    {
        "profiles": [
            {"id": 7, "first_name": "Анна", "last_name": "Иванова", "screen_name": "anna.iva", "verified": 1},
            {"id": 8, "first_name": "DELETED", "last_name": "", "deactivated": "deleted"},
            {"id": 9, "first_name": "Пётр", "last_name": "", "deactivated": "banned", "screen_name": "id9"},
            "odd",
        ],
        "groups": [
            {"id": 1, "name": "Тепло Банк", "screen_name": "teplobank", "type": "page"},
            {"name": "?"},
        ],
    },
    lambda number, handle: handle == "teplobank",
)


def item(**fields: Any) -> dict[str, Any]:
    base = {
        "id": 5,
        "owner_id": -1,
        "from_id": 7,
        "date": 1_763_726_400,
        "text": "слово",
        "post_type": "post",
    }
    return {**base, **fields}


def made(**fields: Any) -> Any:
    found = post_of(item(**fields), PEOPLE, NOW)
    assert isinstance(found, Found)
    return found.post


def test_a_repost_has_its_whole_chain() -> None:
    first = {"id": 3, "owner_id": -20, "from_id": -20, "date": 1, "text": "начало", "attachments": [photo()]}
    second = {"id": 4, "owner_id": -30, "from_id": -30, "date": 2, "text": "", "attachments": []}
    post = made(text="", copy_history=[second, first, {"odd": 1}, "odd"])
    assert (post.kind, post.repost_of, post.text) == ("repost", "vk:-30_4", "начало")
    assert post.extras["reposted"] == ["vk:-30_4", "vk:-20_3"]
    assert [media.kind for media in post.media] == ["photo"]


def photo() -> dict[str, Any]:
    sizes = [
        {"type": "s", "width": 75, "height": 50, "url": "https://sun.example/s.jpg"},
        {"type": "z", "width": 750, "height": 500, "url": "https://sun.example/z.jpg"},
    ]
    return {"type": "photo", "photo": {"id": 1, "owner_id": -1, "text": "карта", "sizes": sizes}}


def test_media_of_every_kind() -> None:
    found = media_of(
        [
            photo(),
            {"type": "video", "video": {"id": 2, "owner_id": -1, "title": "Ролик", "access_key": "k3y"}},
            {"type": "audio", "audio": {"id": 3, "owner_id": 1, "artist": "Кино", "title": "Пачка"}},
            {
                "type": "doc",
                "doc": {"id": 4, "owner_id": 1, "title": "договор.pdf", "url": "https://vk.com/doc1_4"},
            },
            {"type": "link", "link": {"url": "https://bank.example/", "title": "Банк"}},
            {"type": "poll", "poll": {"id": 6, "question": "Как?", "answers": [{"text": "Так"}]}},
            {"type": "sticker", "sticker": {"sticker_id": 7}},
            {"type": "hologram", "hologram": {"id": 8}},
            {"type": "photo"},
            {"odd": True},
            "odd",
        ]
    )
    assert [each["kind"] for each in found] == [
        *("photo", "video", "audio", "document", "link", "poll", "sticker", "document", "photo", "document"),
    ]
    assert found[0] == {"kind": "photo", "url": "https://sun.example/z.jpg", "alt": "карта"}
    assert found[1]["url"] == "https://vk.com/video-1_2"
    assert found[2]["alt"] == "Кино — Пачка"
    assert media_of(None) == media_of({"a": 1}) == []
    assert len(media_of([photo()] * 100)) == 64


def test_an_empty_text_with_media_and_a_poll() -> None:
    poll = {
        "type": "poll",
        "poll": {"question": "Довольны?", "answers": [{"text": "Да"}, {"text": "Нет 🤷"}]},
    }
    assert made(text="", attachments=[photo()]).text == ""
    assert made(text="Опрос", attachments=[poll]).text == "Опрос\nДовольны?\nДа\nНет 🤷"


def test_authors() -> None:
    assert (made().author.name, made().author.handle, made().author.verified) == (
        "Анна Иванова",
        "anna.iva",
        True,
    )
    assert (made(from_id=8).author.id, made(from_id=8).author.name) == ("8", "")
    assert (made(from_id=9).author.name, made(from_id=9).author.handle) == ("Пётр", "")
    assert made(from_id=77).author.name == ""
    company = made(from_id=-1, signer_id=7)
    assert (company.author.id, company.author.name, company.author.own) == (
        "-1",
        "Тепло Банк (Анна Иванова)",
        True,
    )
    assert company.extras["signed_by"] == 7
    assert made(from_id=0).author is None


def test_edits_places_paid_posts_and_unknown_fields() -> None:
    edited = made(edited=1_763_726_500)
    assert (edited.revision, edited.edited_at) == (
        1_763_726_500_000,
        datetime.fromtimestamp(1_763_726_500, UTC),
    )
    geo = {"type": "point", "coordinates": "55.75 37.61", "place": {"title": "Москва"}}
    post = made(
        geo=geo, donut={"is_donut": True}, novelty={"deep": [1]}, marked_as_ads=1, views={"count": -1}
    )
    assert post.extras["geo"] == {"coordinates": "55.75 37.61", "place": "Москва"}
    assert post.extras["donut"] and post.extras["advertisement"]
    assert "novelty" not in post.extras
    assert post.engagement.views is None


@pytest.mark.parametrize(
    "fields", [{"date": "soon"}, {"date": None}, {"date": 1e30}, {"owner_id": 0}, {"date": 5}]
)
def test_what_cannot_be_a_post_is_a_dead_letter(fields: dict[str, Any]) -> None:
    found = post_of(item(**fields), PEOPLE, NOW)
    assert isinstance(found, Rejected)
    assert found.reason in ("invalid", "implausible_time")


def test_words_behind_links() -> None:
    assert (
        plain("[id7|Анна], [club1|банк] и [https://vk.com/x|тут] [не ссылка]")
        == "Анна, банк и тут [не ссылка]"
    )
    assert plain("[id7:bp-1_3|Анна], да") == "Анна, да"
    assert plain("[" * 10_000) == "[" * 10_000


def test_comments_of_all_places() -> None:
    reply = comment_of(item(id=9, parents_stack=[6], reply_to_comment=8), -1, 5, PEOPLE, NOW)
    assert isinstance(reply, Found)
    assert reply.post.url == "https://vk.com/wall-1_5?reply=9&thread=6"
    assert (reply.post.reply_to, reply.post.thread_root) == ("vk:-1_8", "vk:-1_5")
    under = other_comment(item(id=9), "topic", -1, 4, PEOPLE, NOW)
    assert isinstance(under, Found)
    assert (under.post.native_id, under.post.url) == ("topic-1_4_9", "https://vk.com/topic-1_4?post=9")


def test_names_of_walls() -> None:
    for text in (
        "teplobank",
        "@TeploBank",
        "vk.com/teplobank",
        "https://m.vk.com/teplobank?w=1",
        "vk.ru/teplobank",
    ):
        assert place_name(text) == "teplobank"
    assert place_name("https://vk.com/club12") == place_name("public12") == place_name("-12") == "-12"
    assert place_name("id7") == place_name("7") == "7"
    for text in ("Тепло Банк", "", "vk.com/", "a b"):
        with pytest.raises(ValueError, match="is no wall"):
            place_name(text)


def test_the_cursor_is_bounded() -> None:
    seen = Seen(most=10)
    assert all(seen.add(number) for number in range(100))
    assert len(seen) == 10
    assert not Seen.unpacked(seen.packed()).add(99)
    now = int(NOW.timestamp())
    cursor = Cursor()
    for number in range(3000):
        known = {each: each for each in range(number * 10, number * 10 + 10)}
        cursor.watched[f"-1_{number}"] = Watched(date=now - number, tree=number % 2 == 0, known=known)
    cursor.trim(now, int(timedelta(days=1).total_seconds()))
    assert len(cursor.watched) == MAX_WATCHED
    assert sum(len(each.known) for each in cursor.watched.values()) == MAX_COMMENTS
    assert sum(each.tree for each in cursor.watched.values()) == 1500
    text = cursor.written()
    assert len(text) < 700_000
    assert Cursor.read(text) == cursor
