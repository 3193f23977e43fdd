"""Walls: new posts, holes, edits, deletions, comments with their threads."""

from __future__ import annotations

from typing import Any

from agents.base import Found, Gone
from tests.agents.telegram.items import ids, last_cursor, posts
from tests.agents.vk.methods import Params, VkError
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import NOON, Server


async def test_a_new_wall_is_read_back_to_its_history(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank", "Тепло Банк")
    for number in range(300):
        vk.publish(bank, f"новость {number} 😀", date=1_700_000_000 + number)
    items = await Reader(vk, communities=["vk.com/teplobank"], history=150).read()
    assert sorted(posts(items)) == sorted(f"-1_{number}" for number in range(151, 301))
    post = posts(items)["-1_300"]
    assert (post.source, post.text) == ("vk", "новость 299 😀")
    assert post.url == "https://vk.com/wall-1_300"
    assert (post.channel.name, post.channel.followers, post.channel.kind) == ("Тепло Банк", 1234, "group")
    assert (post.author.id, post.author.name) == ("-1", "Тепло Банк")
    assert (post.engagement.views, post.engagement.likes, post.engagement.reposts) == (100, 3, 1)


async def test_news_edits_and_deletions(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    first = [vk.publish(bank, f"новость {number}") for number in range(5)]
    reader = Reader(vk, communities=["club1"])
    cursor = last_cursor(await reader.read())
    reader.time.move(minutes=3)
    vk.publish(bank, "ещё")
    edit = int(reader.time.clock().timestamp())
    first[1].update(text="исправлено", edited=edit)
    del vk.world.walls[bank].posts[3]
    items = await reader.read(cursor, until=lambda items: isinstance(items[-1], Gone))
    assert sorted(ids(items)) == ["--1_3", "-1_2@", "-1_6"]
    edited = posts(items)["-1_2"]
    assert (edited.text, edited.revision) == ("исправлено", edit * 1000)


async def test_all_comments_of_an_own_community_are_collected_with_their_threads(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    vk.world.person(7, "Анна", "Иванова")
    post = vk.publish(bank, "новость")
    tops = [vk.world.comment(post, f"вопрос {number}", from_id=7) for number in range(230)]
    answers = [vk.world.comment(post, f"ответ {number}", tops[3], from_id=bank) for number in range(140)]
    reader = Reader(vk, watching("Тепло", vk=["teplobank"]), search=False)
    items = await reader.read()
    wanted = {f"-1_{each['id']}" for each in (post, *tops, *answers)}
    assert set(posts(items)) == wanted
    assert len(ids(items)) == len(wanted)
    answer = posts(items)[f"-1_{answers[0]['id']}"]
    assert (answer.kind, answer.thread_root, answer.reply_to) == (
        "comment",
        "vk:-1_1",
        f"vk:-1_{tops[3]['id']}",
    )
    assert answer.author.own and answer.channel.own
    assert not posts(items)[f"-1_{tops[3]['id']}"].author.own


async def test_later_comments_edits_and_deletions_of_comments(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    post = vk.publish(bank, "новость")
    kept, edited, gone, framed = [vk.world.comment(post, f"слово {number}") for number in range(4)]
    vk.world.comment(post, "ответ", framed)
    reader = Reader(vk, communities=["club1"])
    cursor = last_cursor(await reader.read())
    edited["text"] = "другое слово"
    vk.world.uncomment(post, gone)
    vk.world.uncomment(post, framed)
    late = vk.world.comment(post, "позже", kept)
    items = await reader.read(cursor, until=lambda items: ids(items).count(f"--1_{gone['id']}") == 1)
    assert sorted(ids(items)) == sorted(
        [f"-1_{edited['id']}@", f"--1_{gone['id']}", f"--1_{framed['id']}", f"-1_{late['id']}"]
    )


async def test_a_wall_that_is_closed_deletes_nothing(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    other = vk.world.group(2, "other")
    vk.publish(bank, "новость")
    reader = Reader(vk, communities=["club1", "club2"], every="10m")
    cursor = last_cursor(await reader.read())
    vk.world.walls[bank].closed = 15
    reader.time.move(hours=1)
    vk.publish(other, "новость")
    items = await reader.read(cursor, until=lambda items: reader.time.clock().hour == 20)
    assert ids(items) == ["-2_1"]
    assert reader.errors("Restricted") > 0


async def test_pages_that_shift_lose_nothing(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    for number in range(350):
        vk.publish(bank, f"новость {number}", date=1_700_000_000 + number)
    shifts = iter([*range(345, 335, -1)])

    def shift(method: str, params: object) -> None:
        """Between two pages ten of the newest posts vanish, and one appears."""
        if method == "wall.get" and vk.calls["wall.get"] in (1, 2, 3):
            for number in [next(shifts) for _ in range(3)]:
                del vk.world.walls[bank].posts[number]

    vk.before = shift
    items = await Reader(vk, communities=["club1"], history=1000).read()
    assert {f"-1_{number}" for number in range(1, 336)} <= set(posts(items))
    assert all(isinstance(item, Found) for item in items if hasattr(item, "post"))


async def test_a_wall_whose_answer_has_no_posts_holds_up_no_other(vk: Server) -> None:
    other, broken = vk.world.group(1, "teplobank"), vk.world.group(2, "other")
    vk.publish(broken, "не видно")
    vk.publish(other, "новость")
    whole = vk.methods.answer

    def answer(method: str, params: Params, now: int) -> Any:
        found = whole(method, params, now)
        if method == "wall.get" and int(params["owner_id"]) == broken:
            del found["items"]
        return found

    vk.methods.answer = answer  # type: ignore[method-assign]
    reader = Reader(vk, communities=["club1", "club2"])
    seen = lambda items: "-1_1" in ids(items) and items[-1].cursor is not None  # noqa: E731
    cursor = last_cursor(await reader.read(until=seen))
    assert reader.errors("Troubled") == 1
    assert reader.time.clock() == NOON, "the other one was not asked for again a minute later"
    vk.methods.answer = whole  # type: ignore[method-assign]
    await reader.read(cursor, until=lambda items: "-2_1" in ids(items))


async def test_a_hole_that_cannot_be_filled_yet_is_not_forgotten(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    for number in range(90):
        vk.publish(bank, f"новость {number}", date=1_700_000_000 + number)
    refused = True

    def refuse(method: str, params: Params) -> None:
        if refused and method == "wall.get" and int(params.get("offset", 0)) > 0:
            raise VkError(100)

    vk.before = refuse
    reader = Reader(vk, communities=["club1"])
    before = await reader.read(until=lambda items: reader.errors("Broken") > 0)
    for number in range(90, 150):
        vk.publish(bank, f"новость {number}", date=1_700_000_000 + number)
    more = await reader.read(last_cursor(before), until=lambda items: reader.errors("Broken") > 3)
    refused = False
    wanted = {f"-1_{number}" for number in range(1, 151)} - set(ids(before)) - set(ids(more))
    await reader.read(last_cursor([*before, *more]), until=lambda items: wanted <= set(ids(items)))


async def test_pages_of_comments_that_shift_lose_nothing(vk: Server) -> None:
    """Comments of the first pages vanish while the later ones are read: those move up by as many places."""
    bank = vk.world.group(1, "teplobank")
    post = vk.publish(bank, "новость")
    comments = [vk.world.comment(post, f"слово {number}") for number in range(450)]
    vanishing = iter(comments[:60])

    def shift(method: str, params: Params) -> None:
        if method == "wall.getComments" and int(params.get("offset", 0)) > 0:
            for _ in range(15):
                if (comment := next(vanishing, None)) is not None:
                    vk.world.uncomment(post, comment)

    vk.before = shift
    items = await Reader(vk, communities=["club1"]).read()
    assert {f"-1_{each['id']}" for each in comments[60:]} <= set(ids(items))
