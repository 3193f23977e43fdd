"""Posts that name an own account."""

from __future__ import annotations

from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import Server


async def test_mentions_of_own_accounts(vk: Server) -> None:
    vk.world.group(1, "teplobank")
    anna = vk.world.person(5, "Анна")
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]))
    cursor = last_cursor(await reader.read())
    for number in range(120):
        vk.publish(anna, f"[club1|банк], ответьте {number}")
    items = await reader.read(cursor, until=lambda items: len(ids(items)) >= 120)
    assert sorted(ids(items)) == sorted(f"5_{number}" for number in range(1, 121))
    post = posts(items)["5_1"]
    assert post.text == "банк, ответьте 0"
    assert post.extras["links"] == ["club1"]


async def test_tokens_without_the_right_go_on_without_mentions(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    vk.publish(bank, "Тепло")
    vk.failures["newsfeed.getMentions"] = [7]
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]))
    assert ids(await reader.read()) == ["-1_1"]
    vk.tokens["service-token"] = {"newsfeed.getMentions"}
    service = [{"secret": "env:SERVICE", "of": "service"}]
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]), token=None, tokens=service)
    vk.calls.clear()
    assert ids(await reader.read()) == ["-1_1"]
    assert not vk.calls["newsfeed.getMentions"]
