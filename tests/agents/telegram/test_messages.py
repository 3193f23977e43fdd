"""What messages become: albums, forwards, polls, media, authors, comments; all of it over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from telethon.tl import types

from agents.base import Collected, Rejected
from pipeline.core.watchlist import Alias, Watchlist, WatchObject
from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.telegram.pieces import link, photo, poll, sticker, voice
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server


@pytest.mark.parametrize("page", [1, 2, 3, 4])
async def test_an_album_is_one_post_also_where_pages_cut_it(
    telegram: Server, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.telegram.room.PAGE", page)
    room = telegram.world.room("teplobank")
    telegram.publish(room, "до")
    for number in range(4):
        telegram.publish(room, "подпись" if number == 1 else "", media=photo(number), grouped_id=77)
    telegram.publish(room, "после")
    items = await Reader(telegram, "teplobank").read()
    assert set(ids(items)) == {"teplobank/1", "teplobank/2", "teplobank/6"}
    album = posts(items)["teplobank/2"]
    assert (album.text, [each.kind for each in album.media]) == ("подпись", ["photo"] * 4)
    assert album.engagement.views == 100


async def test_an_edit_of_one_picture_is_a_revision_of_the_album(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    for number in range(3):
        telegram.publish(room, "", media=photo(number), grouped_id=77)
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    world.edit(room, 3, "теперь с подписью", at=world.now + timedelta(minutes=1))
    later = await reader.read(cursor)
    assert ids(later) == ["teplobank/1@"]
    assert posts(later)["teplobank/1"].text == "теперь с подписью"
    assert len(posts(later)["teplobank/1"].media) == 3


async def test_a_deleted_album_is_one_deletion(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    reader = Reader(telegram, "teplobank")
    telegram.publish(room, "до")
    cursor = last_cursor(await reader.read())
    for number in range(3):
        telegram.publish(room, "", media=photo(number), grouped_id=77)
    seen: list[str] = []

    def until(items: Sequence[Collected]) -> bool:
        if "teplobank/2" in ids(items) and not seen:
            telegram.world.delete(room, 2, 3, 4)
            seen.append("deleted")
        return any(each.startswith("-") for each in ids(items))

    assert ids(await reader.read(cursor, until=until)) == ["teplobank/2", "-teplobank/2"]


async def test_reactions_and_views_are_no_edit(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    telegram.publish(room, "новость")
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    found = types.MessageReactions([types.ReactionCount(types.ReactionEmoji("👍"), 5)])
    world.edit(room, 1, "новость", edit_hide=True, reactions=found)
    assert ids(await reader.read(cursor)) == []
    fresh = posts(await Reader(telegram, "teplobank").read())["teplobank/1"]
    assert (fresh.revision, fresh.engagement.likes, fresh.extras["reactions"]) == (0, 5, {"👍": 5})


async def test_forwards_name_the_first_post_of_the_chain(telegram: Server) -> None:
    world = telegram.world
    origin, room = world.room("Source_News", "Новости"), world.room("teplobank")
    world.person(5, "Пётр")
    header = types.MessageFwdHeader(date=world.now, from_id=origin.peer, channel_post=17)
    telegram.publish(room, "переслано", fwd_from=header)
    secret = types.MessageFwdHeader(date=world.now, from_name="Скрытый Человек")
    telegram.publish(room, "от человека", fwd_from=secret)
    nameless = world.room(None, "Без имени")
    header = types.MessageFwdHeader(date=world.now, from_id=nameless.peer, channel_post=3)
    telegram.publish(room, "из безымянного", fwd_from=header)
    between = world.room("between_us")  # what it took over is taken over from it: a chain of two steps
    header = types.MessageFwdHeader(
        date=world.now,
        from_id=origin.peer,
        channel_post=17,
        saved_from_peer=between.peer,
        saved_from_msg_id=4,
    )
    telegram.publish(room, "переслано дважды", fwd_from=header)
    found = posts(await Reader(telegram, "teplobank").read())
    assert [found[f"teplobank/{n}"].repost_of for n in (1, 2, 3, 4)] == [
        "telegram:source_news/17",
        None,
        f"telegram:c/{nameless.id}/3",
        "telegram:source_news/17",
    ]
    assert {post.kind for post in found.values()} == {"repost"}
    assert found["teplobank/2"].extras["forwarded_from"] == "Скрытый Человек"


@pytest.mark.parametrize(
    ("media", "kind", "text"),
    [
        (photo(1), "photo", ""),
        (poll("Чей банк лучше? 🏦", "Наш", "Ваш"), "poll", "Чей банк лучше? 🏦\nНаш\nВаш"),
        (link("https://example.org/a", "Заголовок"), "link", ""),
        (sticker("😀"), "sticker", ""),
        (voice(), "audio", ""),
        (types.MessageMediaGeo(types.GeoPoint(37.6, 55.7, 1)), "document", ""),
        (types.MessageMediaUnsupported(), "document", ""),
        (types.MessageMediaDice(6, "🎲"), "sticker", ""),
        (types.MessageMediaContact("+7", "И", "П", "", 0), "document", ""),
    ],
)
async def test_messages_without_words(telegram: Server, media: object, kind: str, text: str) -> None:
    telegram.publish(telegram.world.room("teplobank"), "", media=media)
    post = posts(await Reader(telegram, "teplobank").read())["teplobank/1"]
    assert ([each.kind for each in post.media], post.text) == ([kind], text)


async def test_links_behind_words_are_kept(telegram: Server) -> None:
    entities = [types.MessageEntityTextUrl(0, 5, "https://example.org/1"), types.MessageEntityBold(0, 5)]
    telegram.publish(telegram.world.room("teplobank"), "здесь 😀", entities=entities)
    post = posts(await Reader(telegram, "teplobank").read())["teplobank/1"]
    assert post.extras["links"] == ["https://example.org/1"]


async def test_a_post_that_answers_one_of_its_channel_is_a_post(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "новость")
    telegram.publish(room, "дополнение", reply_to=types.MessageReplyHeader(reply_to_msg_id=1))
    post = posts(await Reader(telegram, "teplobank").read())["teplobank/2"]
    assert (post.kind, post.reply_to, post.thread_root) == ("post", "telegram:teplobank/1", None)


async def test_a_message_to_another_place_names_that(telegram: Server) -> None:
    world = telegram.world
    group, other = world.room("bank_chat", group=True), world.room("Other_Bank")
    world.person(5, "Пётр")
    header = types.MessageReplyHeader(reply_to_msg_id=9, reply_to_peer_id=other.peer)
    telegram.publish(group, "ответ", from_id=types.PeerUser(5), reply_to=header)
    topic = types.MessageReplyHeader(reply_to_msg_id=4, forum_topic=True)
    telegram.publish(group, "в теме", from_id=types.PeerUser(5), reply_to=topic)
    found = posts(await Reader(telegram, "bank_chat").read())
    assert found["bank_chat/1"].reply_to == f"telegram:c/{other.id}/9", "its handle is not told with it"
    assert (found["bank_chat/2"].kind, found["bank_chat/2"].reply_to) == ("post", None)


async def test_notices_are_no_posts(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    notice = types.MessageService(
        id=1, peer_id=room.peer, date=telegram.world.now, action=types.MessageActionChannelCreate("Банк")
    )
    telegram.world.add(room, notice)
    telegram.publish(room, "первая")
    assert ids(await Reader(telegram, "teplobank").read()) == ["teplobank/2"]


async def test_comments_belong_to_their_post(telegram: Server) -> None:
    world = telegram.world
    channel = world.room("TeploBank", "Тепло Банк")
    group = world.discussed(channel, "teplo_chat")
    world.person(5, "Пётр", last_name="Иванов", username="petya")
    world.person(6, None, deleted=True)
    telegram.publish(channel, "новость")
    question = world.comment(channel, 1, "а когда?", 5)
    answer = telegram.publish(
        group,
        "завтра",
        from_id=channel.peer,
        reply_to=types.MessageReplyHeader(reply_to_msg_id=question.id, reply_to_top_id=group.copies[1]),
    )
    admin = telegram.publish(group, "правила", from_id=group.peer)
    ghost = world.comment(channel, 1, "…", 6, to=question.id)
    watched = WatchObject(
        id="bank",
        kind="brand",
        name="Банк",
        aliases=(Alias(text="банк"),),
        accounts={"telegram": ("teplobank",)},
    )
    found = posts(await Reader(telegram, watchlist=Watchlist((watched,))).read())
    assert set(found) == {
        "teplobank/1",
        *(f"teplo_chat/{each.id}" for each in (question, answer, admin, ghost)),
    }
    asked, told = found[f"teplo_chat/{question.id}"], found[f"teplo_chat/{answer.id}"]
    assert (asked.kind, asked.reply_to, asked.thread_root) == ("comment", *["telegram:teplobank/1"] * 2)
    assert asked.url == f"https://t.me/teplobank/1?comment={question.id}"
    assert (asked.author.id, asked.author.name, asked.author.handle) == ("5", "Пётр Иванов", "petya")
    assert (told.reply_to, told.thread_root) == (f"telegram:teplo_chat/{question.id}", "telegram:teplobank/1")
    assert (told.author.name, told.author.id) == ("Тепло Банк", f"-100{channel.id}")
    rules, last = found[f"teplo_chat/{admin.id}"], found[f"teplo_chat/{ghost.id}"]
    assert (rules.kind, rules.author.id, rules.channel.kind) == ("post", f"-100{group.id}", "group")
    assert (last.author.id, last.author.name) == ("6", "")
    assert found["teplobank/1"].channel.own
    assert found["teplobank/1"].engagement.comments == 2


async def test_a_deleted_post_is_one_deletion_though_its_copy_goes_too(telegram: Server) -> None:
    world = telegram.world
    channel = world.room("teplobank")
    group = world.discussed(channel, "teplo_chat")
    world.person(5, "Пётр")
    telegram.publish(channel, "новость")
    comment = world.comment(channel, 1, "комментарий", 5)
    reader = Reader(telegram, "teplobank")

    def until(items: Sequence[Collected]) -> bool:
        if f"teplo_chat/{comment.id}" in ids(items) and channel.messages:
            world.delete(channel, 1)
            world.delete(group, group.copies[1], comment.id)
        return len(ids(items)) == 4

    found = ids(await reader.read(until=until))
    assert set(found[2:]) == {"-teplobank/1", f"-teplo_chat/{comment.id}"}


async def test_a_message_that_is_no_valid_post_is_a_dead_letter(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    telegram.publish(room, "до изобретения", at=telegram.world.now.replace(year=1999))
    telegram.publish(room, "дальше")
    items = await Reader(telegram, "teplobank").read()
    (rejected,) = (item for item in items if isinstance(item, Rejected))
    assert (rejected.origin, rejected.reason) == ("telegram:teplobank/1", "implausible_time")
    assert ids(items) == ["teplobank/2"]


async def test_a_restricted_channel_is_read_and_says_why(
    telegram: Server, caplog: pytest.LogCaptureFixture
) -> None:
    room = telegram.world.room("teplobank", restriction="This channel can't be displayed")
    telegram.publish(room, "новость")
    post = posts(await Reader(telegram, "teplobank").read())["teplobank/1"]
    assert post.extras["restricted"] == "This channel can't be displayed"
    assert "@teplobank is restricted: This channel can't be displayed" in caplog.text
