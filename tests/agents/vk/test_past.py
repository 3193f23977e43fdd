"""Back-fill of a period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.agents.telegram.items import ids, kills, posts
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import NOON, Server

SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC)


def autumn(vk: Server) -> set[str]:
    """A wall over two months, of which a week is wanted, and posts of a person; the ids of that week."""
    bank = vk.world.group(1, "teplobank")
    anna = vk.world.person(5, "Анна")
    wanted = set()
    for number in range(600):
        moment = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=2 * number)
        post = vk.publish(bank, f"новость {number}", date=int(moment.timestamp()))
        word = vk.world.comment(post, "слово", date=int(moment.timestamp()) + 60)
        other = vk.publish(anna, f"Тепло {number}", date=int(moment.timestamp()))
        if SINCE <= moment < UNTIL:
            wanted |= {f"-1_{post['id']}", f"-1_{word['id']}", f"5_{other['id']}"}
    vk.publish(bank, "закреплено", date=int(SINCE.timestamp()) - 9_000_000, is_pinned=1)
    return wanted


async def test_a_period_is_collected_with_its_comments(vk: Server) -> None:
    wanted = autumn(vk)
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]))
    items = await reader.past(SINCE, UNTIL)
    found = posts(items)
    assert {name for name, post in found.items() if SINCE <= post.created_at < UNTIL} == wanted
    assert len(set(found) - wanted) < 5
    assert vk.calls["wall.get"] < 20
    assert vk.calls["newsfeed.search"] < 10


async def test_a_killed_back_fill_goes_on(vk: Server) -> None:
    wanted = autumn(vk)
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]))
    cuts = list(kills(await reader.past(SINCE, UNTIL), None))
    for published, cursor in cuts[:: max(1, len(cuts) // 12)]:
        rest = await reader.past(SINCE, UNTIL, cursor)
        assert set(published) | set(ids(rest)) >= wanted


async def test_the_past_leaves_the_daily_limits_to_the_present(vk: Server) -> None:
    wanted = autumn(vk)
    names = [f"Тепло {number}" for number in range(40)]
    reader = Reader(vk, watching("Тепло", *names), daily_searches=100)
    assert set(posts(await reader.past(SINCE, UNTIL))) >= {name for name in wanted if name.startswith("5_")}
    assert vk.calls["newsfeed.search"] >= 41
    assert reader.time.clock() - NOON > timedelta(days=1.5), "15 of 100 at once, then 15 a day"
