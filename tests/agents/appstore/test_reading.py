"""The feed of reviews: pages, news, edits, odd entries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.base import BadConfiguration, Rejected
from tests.agents.appstore.reading import reader_of
from tests.agents.appstore.server import NOON, Server
from tests.agents.telegram.items import ids, last_cursor, posts


async def test_a_review(store: Server) -> None:
    made = store.publish("Всё упало 😡\n\nЖду <ответа> & звонка", title="Плохо", rating=1)
    (post,) = posts(await reader_of(store).read()).values()
    assert (post.source, post.native_id, post.kind) == ("appstore", str(made.number), "review")
    assert post.text == "Плохо\nВсё упало 😡\nЖду <ответа> & звонка"
    assert (post.rating, post.created_at, post.revision) == (1.0, NOON, 0)
    assert post.url == "https://itunes.apple.com/ru/review?id=123456789&type=Purple%20Software"
    assert (post.channel.id, post.channel.name, post.channel.own) == (
        "123456789",
        "Приложение 123456789",
        False,
    )
    assert (post.author.name, post.author.id) == ("Анна", str(made.number % 1000))
    assert post.engagement.likes == 3
    assert post.extras == {"country": "ru", "app_version": "7.1.0", "votes": 4}


async def test_all_ten_pages_once_then_only_the_first(store: Server) -> None:
    made = [store.publish(f"отзыв {number}", at=NOON - timedelta(hours=number)) for number in range(520)]
    reader = reader_of(store)
    items = await reader.read()
    assert set(ids(items)) == {str(each.number) for each in made[:500]}
    assert len(ids(items)) == 500
    before = store.requests.total()
    store.publish("новый")
    second = await reader.read(last_cursor(items))
    assert len(ids(second)) == 1
    assert store.requests.total() - before == 2, "the page with news, and the next one"


async def test_an_edit_is_a_revision_with_the_date_of_the_first_version(store: Server) -> None:
    made = store.publish("было", rating=1)
    store.publish("другой")
    reader = reader_of(store)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    store.edit(made.number, text="стало", rating=5)
    items = await reader.read(cursor)
    assert ids(items) == [f"{made.number}@"]
    (edited,) = posts(items).values()
    assert (edited.text, edited.rating, edited.created_at) == ("стало", 5.0, NOON)
    assert edited.edited_at == NOON + timedelta(hours=1)
    assert edited.revision == int(edited.edited_at.timestamp() * 1000)
    assert ids(await reader.read(last_cursor(items))) == []


async def test_an_old_page_of_a_cache_is_no_edit(store: Server) -> None:
    made = store.publish("было")
    reader = reader_of(store)
    cursor = last_cursor(await reader.read())
    reader.time.move(hours=1)
    store.edit(made.number, text="стало")
    cursor = last_cursor(await reader.read(cursor))
    store.reviews["ru", "123456789"][made.number] = made
    assert ids(await reader.read(cursor)) == []


async def test_odd_entries(store: Server) -> None:
    store.publish("", title="", author="", rating=3)
    store.publish("без номера", more=(("id", {"label": ""}), ("im:rating", {"label": "2"})))
    store.publish("без даты", more=(("updated", {}),))
    store.publish("странный", more=(("im:rating", {"label": "11"}), ("im:new", [1]), ("link", None)))
    reader = reader_of(store)
    items = await reader.read()
    rejected = [item for item in items if isinstance(item, Rejected)]
    assert [item.reason for item in rejected] == ["invalid", "invalid"]
    found = sorted(posts(items).values(), key=lambda each: each.native_id)
    assert [(each.text, each.rating, each.author is None) for each in found] == [
        ("", 3.0, True),
        ("странный", None, False),
    ]
    again = await reader.read(last_cursor(items))
    assert not [item for item in again if isinstance(item, Rejected)], "a dead letter is written once"


async def test_a_feed_with_one_review_and_one_without_any(store: Server) -> None:
    store.publish("один")
    reader = reader_of(store, countries=["ru", "kz"])
    items = await reader.read()
    assert len(ids(items)) == 1
    assert reader.errors() == {}


async def test_too_many_lists_and_none(store: Server) -> None:
    with pytest.raises(BadConfiguration, match="another entry"):
        await reader_of(store, *map(str, range(10_000, 10_016)), countries=["ru", "kz"]).read()
    reader = reader_of(store)
    reader.options = reader.options.model_copy(update={"apps": ()})
    with pytest.raises(BadConfiguration, match="nothing to read"):
        await reader.read()
