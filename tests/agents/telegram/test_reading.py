"""Reading channels over MTProto: history, events, edits, deletions, restarts."""

from __future__ import annotations

from datetime import timedelta

from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.telegram.reading import Reader
from tests.agents.telegram.server import Server


async def test_a_new_channel_is_read_from_its_last_messages(telegram: Server) -> None:
    room = telegram.world.room("TeploBank", "Тепло Банк")
    for number in range(250):
        telegram.publish(room, f"новость {number} 😀")
    items = await Reader(telegram, "@teplobank", history=120).read()
    assert ids(items) == [f"teplobank/{number}" for number in range(131, 251)]
    post = posts(items)["teplobank/250"]
    assert (post.source, post.text, post.url) == ("telegram", "новость 249 😀", "https://t.me/teplobank/250")
    assert (post.channel.id, post.channel.name, post.channel.handle) == (
        f"-100{room.id}",
        "Тепло Банк",
        "TeploBank",
    )
    assert (post.channel.kind, post.channel.followers, post.author.name) == ("channel", 1234, "Тепло Банк")


async def test_news_edits_and_deletions_come_after_a_restart(telegram: Server) -> None:
    world = telegram.world
    room = world.room("teplobank")
    for number in range(3):
        telegram.publish(room, f"новость {number}")
    reader = Reader(telegram, "teplobank")
    first = await reader.read()
    telegram.publish(room, "ещё")
    world.edit(room, 2, "исправлено", at=world.now + timedelta(minutes=3))
    world.delete(room, 1)
    later = await reader.read(last_cursor(first))
    assert ids(later) == ["teplobank/4", "teplobank/2@", "-teplobank/1"]
    edited = posts(later)["teplobank/2"]
    assert edited.text == "исправлено"
    assert edited.revision == int(edited.edited_at.timestamp() * 1000)
    assert telegram.requests["ResolveUsername"] == 1, "names are looked up once: Telegram allows few of these"
