"""Deletions of albums, of parts of them, and of copies: one post each, also after a restart."""

from __future__ import annotations

from datetime import timedelta

from agents.telegram.albums import KEPT, REMEMBERED, Albums
from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.telegram.pieces import photo
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server
from tests.agents.telegram.world import Room


def album(telegram: Server, room: Room, group: int) -> list[int]:
    """The ids of a new album of three pictures."""
    texts = ("подпись", "", "")
    made = [
        telegram.publish(room, text, media=photo(number), grouped_id=group)
        for number, text in enumerate(texts)
    ]
    return [message.id for message in made]


async def test_an_album_that_is_deleted_after_a_restart_is_one_post(telegram: Server) -> None:
    room = telegram.world.room("teplobank")
    whole, parts = album(telegram, room, 1), album(telegram, room, 2)
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    telegram.world.delete(room, *whole)
    telegram.world.delete(room, parts[0])
    first = await reader.read(cursor)
    assert ids(first) == ["-teplobank/1"]
    telegram.world.edit(room, parts[1], "другая", at=telegram.world.now + timedelta(minutes=1))
    second = await reader.read(last_cursor(first))
    assert ids(second) == ["teplobank/4@"], "what is left of an album keeps its id"
    assert len(posts(second)["teplobank/4"].media) == 2
    telegram.world.delete(room, parts[1])
    telegram.world.delete(room, parts[2])
    assert ids(await reader.read(last_cursor(second))) == ["-teplobank/4"]


async def test_the_copy_of_a_post_is_no_comment_that_was_deleted(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    group = world.discussed(room, "teplo_chat")
    telegram.publish(room, "новость")
    pictures = album(telegram, room, 1)
    world.person(5)
    said = world.comment(room, 1, "слово", 5)
    reader = Reader(telegram, "teplobank")
    cursor = last_cursor(await reader.read())
    world.delete(room, 1, *pictures)
    world.delete(group, *group.copies.values(), said.id)
    assert sorted(ids(await reader.read(cursor))) == ["-teplo_chat/5", "-teplobank/1", "-teplobank/2"]


def test_what_is_remembered_of_albums_is_bounded() -> None:
    class Message:
        def __init__(self, number: int) -> None:
            self.id = number

    known = Albums({})
    for number in range(1, 10 * (REMEMBERED + 50), 10):
        assert known.note([Message(number), Message(number + 1)]) == number
    assert known.without([1, 2]) == [1, 2], "too long ago"
    kept = known.kept()
    assert len(kept) == KEPT
    again, last = Albums(kept), max(kept)
    assert again.without([last]) == []
    assert again.note([Message(last + 1)]) == last
    assert again.without([last + 1]) == [last]
    assert again.without([last + 1]) == [last + 1]
