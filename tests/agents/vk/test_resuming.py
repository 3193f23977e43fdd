"""Kills at every item, and a day of simulated time."""

from __future__ import annotations

import pytest

from agents.base import CursorCorrupt, Found
from tests.agents.day import lives_a_day
from tests.agents.telegram.items import ids, kills, posts
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import NOON, Server

START = int(NOON.timestamp())


def busy(vk: Server) -> int:
    """Walls with comments, and posts to be found."""
    bank = vk.world.group(1, "teplobank")
    for number in range(130):
        vk.publish(bank, f"новость {number}", date=START - 90_000 + number)
    post = vk.publish(bank, "Тепло сегодня", date=START - 900)
    tops = [vk.world.comment(post, f"слово {number}", date=START - 800 + number) for number in range(120)]
    for number in range(15):
        vk.world.comment(post, f"ответ {number}", tops[0], date=START - 500)
    anna = vk.world.person(5, "Анна")
    for number in range(1030):
        vk.publish(anna, f"Тепло {number} 😀", date=START - 3000 + number)
    return bank


async def test_a_kill_at_any_item_loses_nothing(vk: Server) -> None:
    busy(vk)
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]), history=200)
    whole = await reader.read()
    wanted = set(posts(whole))
    assert len(wanted) == 131 + 135 + 1030
    cuts = list(kills(whole, None))
    for published, cursor in cuts[:: max(1, len(cuts) // 5)]:
        again = Reader(vk, reader.watchlist, history=200)
        rest = await again.read(cursor)
        assert set(published) | set(ids(rest)) >= wanted


async def test_a_fresh_source_after_every_saved_cursor_goes_on(vk: Server) -> None:
    """Each life is killed at its first saved cursor that is new."""
    busy(vk)
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]), history=200)
    found: set[str] = set()
    cursor: str | None = None
    for _ in range(200):
        before = cursor
        items = await reader.read(
            cursor,
            until=lambda items, before=before: items[-1].cursor not in (None, before),  # type: ignore[misc]
        )
        cursor = items[-1].cursor
        found |= {item.post.native_id for item in items if isinstance(item, Found)}
        if len(found) == 131 + 135 + 1030:
            break
    assert len(found) == 131 + 135 + 1030


async def test_a_day_leaves_nothing_behind(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    people = [vk.world.person(number, "Анна", "Иванова") for number in range(10, 20)]
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]), comments_for="3h", every="10m", history=10)

    def every_hour(hour: int) -> None:
        for number in range(3):
            post = vk.publish(bank, f"новость {hour}")
            vk.world.comment(post, "слово", from_id=people[number])
            vk.publish(people[number], f"Тепло {hour}")

    async with reader.opened() as source:
        found = await lives_a_day(
            source,
            reader.time,
            every_hour,
            connections=lambda: vk.connections,
            most_connections=1,
            largest_cursor=10_000,
        )
    assert len(found) == len(set(found)) == 23 * 3 * 3


@pytest.mark.parametrize("text", ["{}x", '{"seen": "%"}', '{"watched": {"1_1": {"date": 1, "known": "!"}}}'])
async def test_a_damaged_cursor_is_told(vk: Server, text: str) -> None:
    with pytest.raises(CursorCorrupt):
        await Reader(vk, watching("Тепло")).read(text)
