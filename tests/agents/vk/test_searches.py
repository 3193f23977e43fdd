"""Searches: windows below VK's thousand results, posts that come late, shifts and broken places in a list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import NOON, Server

START = int(NOON.timestamp())


def crowd(vk: Server, count: int, *, over: int) -> None:
    """So many posts about the bank in the last ``over`` seconds."""
    for number in range(count):
        wall = vk.world.person(100 + number % 50, "Анна", "Иванова")
        vk.publish(wall, f"про Тепло Банк {number} 🔥", date=START - over + number * over // count)


async def test_more_than_a_thousand_results_are_read_in_windows(vk: Server) -> None:
    crowd(vk, 4300, over=3000)
    items = await Reader(vk, watching("Тепло Банк")).read()
    assert len(posts(items)) == 4300
    assert len(ids(items)) == 4300
    assert vk.requests["newsfeed.search"] < 60


async def test_more_than_a_thousand_in_a_second_are_told(vk: Server) -> None:
    for _ in range(1200):
        vk.publish(vk.world.person(5, "Бот"), "Тепло Банк", date=START - 100)
    reader = Reader(vk, watching("Тепло Банк"))
    assert len(posts(await reader.read())) == 1000
    assert reader.errors("Overflow") >= 1


async def test_each_alias_is_asked_and_a_post_with_two_of_them_comes_once(vk: Server) -> None:
    anna = vk.world.person(5, "Анна")
    vk.publish(anna, "Тепло Банк, он же ТеплоБанк", date=START - 60)
    items = await Reader(vk, watching("Тепло Банк", "ТеплоБанк", "тепло  банк"), queries=["вклад"]).read()
    assert ids(items) == ["5_1"]
    assert vk.calls["newsfeed.search"] == 3


async def test_posts_that_vk_finds_late_are_found(vk: Server) -> None:
    anna = vk.world.person(5, "Анна")
    vk.methods.search_delay = 600
    reader = Reader(vk, watching("Тепло"))
    cursor = last_cursor(await reader.read())
    vk.publish(anna, "Тепло рано")
    reader.time.move(minutes=5)
    cursor = last_cursor(await reader.read(cursor))
    reader.time.move(minutes=5)
    items = await reader.read(cursor)
    assert ids(items) == ["5_1"]
    vk.methods.search_delay = 3 * 3600
    vk.publish(anna, "Тепло поздно")
    late = await reader.read(last_cursor(items), until=lambda found: "5_2" in ids(found))
    assert ids(late) == ["5_2"]
    assert reader.time.clock() - NOON < timedelta(hours=4, minutes=20)


async def test_a_comment_that_a_search_finds_is_a_comment(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    post = vk.publish(bank, "новость")
    vk.world.comment(post, "а что Холод Банк?", from_id=bank)
    items = await Reader(vk, watching("Холод Банк")).read()
    (found,) = posts(items).values()
    assert (found.kind, found.thread_root, found.native_id) == ("comment", "vk:-1_1", "-1_2")
    assert found.url == "https://vk.com/wall-1_1?reply=2"


async def test_pages_may_shift_and_places_in_a_list_may_break(vk: Server) -> None:
    crowd(vk, 900, over=1000)
    vk.methods.found_pages = 100
    taken: list[str] = []

    def disturb(method: str, params: Any) -> None:
        """A place in the list breaks; a post appears, one vanishes."""
        if method == "newsfeed.search" and params.get("start_from", "").startswith("300/"):
            if not taken:
                params["start_from"] = "lost"
                vk.world.person(999, "Новая")
                vk.publish(999, "Тепло Банк вдруг", date=START - 1)
                del vk.world.walls[100].posts[18]
            taken.append("300")

    vk.before = disturb
    items = await Reader(vk, watching("Тепло Банк")).read()
    assert len(set(posts(items)) - {"999_1"}) >= 899
    assert len(taken) == 2
    assert "999_1" in posts(items)


async def test_found_posts_are_read_again_for_edits_and_deletions(vk: Server) -> None:
    anna = vk.world.person(5, "Анна")
    post, other = (vk.publish(anna, "Тепло", date=START - 5) for _ in range(2))
    reader = Reader(vk, watching("Тепло"))
    cursor = last_cursor(await reader.read())
    post.update(text="уже не про то", edited=START + 60)
    other["is_deleted"] = True
    reader.time.move(hours=1)
    items = await reader.read(cursor, until=lambda items: "-5_2" in ids(items))
    assert sorted(ids(items)) == ["-5_2", "5_1@"]


async def test_the_searches_of_a_day_stay_below_vks_limit(vk: Server) -> None:
    names = [f"Тепло {number}" for number in range(30)]
    reader = Reader(vk, watching(*names))
    await reader.read(until=lambda items: reader.time.clock() - NOON > timedelta(hours=8))
    assert 240 < vk.calls["newsfeed.search"] <= 1000 / 3 + 30
