"""Reading previews: pages, news, edits, deletions, restarts at every item."""

from __future__ import annotations

from agents.base import Gone
from tests.agents.telegram.items import ids, last_cursor, posts, rounds
from tests.agents.telegram_web.reading import Reader
from tests.agents.telegram_web.server import Server


async def test_a_new_channel_is_read_back_to_its_history(site: Server) -> None:
    channel = site.channel("TeploBank", "Тепло Банк")
    for number in range(100):
        site.publish(channel, f"новость {number} 😀\nвторая строка")
    items = await Reader(site, "@TeploBank", history=50).read()
    assert sorted(ids(items), key=lambda each: int(each.split("/")[1])) == [
        f"teplobank/{number}" for number in range(51, 101)
    ]
    post = posts(items)["teplobank/100"]
    assert (post.source, post.text) == ("telegram", "новость 99 😀\nвторая строка")
    assert (post.url, post.created_at) == ("https://t.me/teplobank/100", site.now)
    assert (post.engagement.views, post.channel.followers) == (1200, 11_100)
    assert (post.channel.id, post.channel.handle) == (f"-100{channel.peer}", "TeploBank")
    assert site.requests["/s/teplobank"] == 3


async def test_news_edits_and_deletions(site: Server) -> None:
    channel = site.channel("teplobank")
    for number in range(30):
        site.publish(channel, f"новость {number}")
    reader = Reader(site, "teplobank")
    first = await reader.read()
    site.publish(channel, "ещё")
    site.edit(channel, 25, text="исправлено")
    del channel.posts[27]
    second = await reader.read(last_cursor(first))
    assert ids(second) == ["teplobank/31", "teplobank/25@"]
    edited = posts(second)["teplobank/25"]
    assert (edited.text, edited.edited_at) == ("исправлено", None)
    assert edited.revision == int(edited.collected_at.timestamp() * 1000)
    third = await reader.read(last_cursor(second))
    assert ids(third) == ["-teplobank/27"], "one reading without a post may be a mistake"
    (gone,) = (item for item in third if isinstance(item, Gone))
    assert gone.deleted_at == reader.time.clock()
    assert ids(await reader.read(last_cursor(third))) == []


async def test_a_post_that_comes_back_was_not_deleted(site: Server) -> None:
    channel = site.channel("teplobank")
    for number in range(3):
        site.publish(channel, f"новость {number}")
    reader = Reader(site, "teplobank")
    cursor = last_cursor(await reader.read())
    hidden = channel.posts.pop(2)
    cursor = last_cursor(await reader.read(cursor))
    channel.posts[2] = hidden
    items = await reader.read(cursor, until=rounds(4))
    assert ids(items) == []
