"""Tokens: limits of requests, errors of VK, several tokens, execute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from agents.base import BadConfiguration, SourceUnavailable
from agents.rates import Limit
from agents.web.exchange import Times
from tests.agents.telegram.items import ids, posts
from tests.agents.vk.methods import VkError
from tests.agents.vk.reading import Reader, watching
from tests.agents.vk.server import NOON, Server

TWO = [{"secret": "env:SECOND"}]


def walls(vk: Server, count: int) -> list[str]:
    for number in range(1, count + 1):
        vk.publish(vk.world.group(number, f"group{number}"), f"новость {number}")
    return [f"club{number}" for number in range(1, count + 1)]


async def test_many_walls_are_read_in_one_request(vk: Server) -> None:
    items = await Reader(vk, communities=walls(vk, 60), comments=False).read()
    assert len(posts(items)) == 60
    assert vk.requests["execute"] == 3
    assert vk.requests["wall.get"] == 0


async def test_three_requests_per_second_and_token(vk: Server) -> None:
    names = walls(vk, 40)
    for number in range(1, 41):
        vk.world.comment(vk.world.walls[-number].posts[1], "слово")
    vk.tokens["second-token"] = set()
    reader = Reader(vk, communities=names, tokens=TWO)
    limits = reader.options.effective_limits
    assert (limits.requests_per_second, limits.burst) == (3, 1)
    await reader.read(limit=Limit(limits.requests_per_second, limits.burst))
    for token in ("user-token", "second-token"):
        times = [moment for known, moment in vk.times if known == token]
        assert len(times) > 20
        for begin in times:
            assert sum(begin <= each < begin + timedelta(milliseconds=999) for each in times) <= 3


def test_the_limit_depends_on_the_tokens(vk: Server) -> None:
    service = [{"secret": "env:SERVICE", "of": "service"}]
    alone = Reader(vk, token=None, tokens=service, communities=["club1"])
    assert alone.options.effective_limits.requests_per_second == 20
    assert Reader(vk, tokens=service, communities=["club1"]).options.effective_limits.requests_per_second == 3
    given = {"requests_per_second": 8, "burst": 2}
    limits = Reader(vk, communities=["club1"], limits=given).options.effective_limits
    assert (limits.requests_per_second, limits.burst) == (8, 2)


@pytest.mark.parametrize(("code", "name"), [(6, None), (9, "Flood"), (14, "Captcha"), (29, "DailyQuota")])
async def test_another_token_goes_on_where_one_must_rest(vk: Server, code: int, name: str | None) -> None:
    vk.tokens["second-token"] = set()
    vk.publish(vk.world.person(5, "Анна"), "Тепло", date=int(NOON.timestamp()) - 5)
    vk.failures["newsfeed.search"] = [code]
    reader = Reader(vk, watching("Тепло"), tokens=TWO)
    assert ids(await reader.read()) == ["5_1"]
    assert name is None or reader.errors(name) == 1
    used = [token for token, _ in vk.times]
    assert len(set(used)) == 2
    assert reader.time.clock() - NOON < timedelta(minutes=1)


@pytest.mark.parametrize("code", [9, 14, 29])
async def test_a_single_token_rests_and_goes_on(vk: Server, code: int) -> None:
    vk.publish(vk.world.person(5, "Анна"), "Тепло", date=int(NOON.timestamp()) - 5)
    vk.failures["newsfeed.search"] = [code]
    reader = Reader(vk, watching("Тепло"))
    items = await reader.read(until=lambda items: bool(ids(items)))
    assert ids(items) == ["5_1"]
    assert timedelta(minutes=9) < reader.time.clock() - NOON < timedelta(hours=2)
    assert vk.requests["newsfeed.search"] == 2


async def test_a_used_up_quota_stops_searches_and_nothing_else(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    vk.quota["user-token", "newsfeed.search"] = 0
    reader = Reader(vk, watching("Тепло"), communities=["club1"])
    vk.publish(bank, "новость")
    assert ids(await reader.read()) == ["-1_1"]
    assert reader.errors("DailyQuota") >= 1


async def test_errors_of_vk_itself_are_tried_again(vk: Server) -> None:
    vk.publish(vk.world.person(5, "Анна"), "Тепло", date=int(NOON.timestamp()) - 5)
    vk.failures["newsfeed.search"] = [10, 1, 10]
    reader = Reader(vk, watching("Тепло"))
    assert ids(await reader.read()) == ["5_1"]
    assert vk.requests["newsfeed.search"] == 4


async def test_an_invalid_token_is_told(vk: Server) -> None:
    vk.tokens.clear()
    with pytest.raises(BadConfiguration, match="not valid") as told:
        await Reader(vk, watching("Тепло"), communities=["teplobank"]).read()
    assert "user-token" not in str(told.value)


async def test_one_valid_token_of_two_is_enough(vk: Server) -> None:
    reader = Reader(vk, communities=walls(vk, 3), tokens=TWO)
    assert len(posts(await reader.read())) == 3
    assert reader.errors("Auth") <= 1


async def test_no_execute_for_a_token_means_one_call_at_a_time(vk: Server) -> None:
    vk.tokens["user-token"] = {"execute"}
    reader = Reader(vk, communities=walls(vk, 3))
    assert len(posts(await reader.read())) == 3
    assert vk.requests["wall.get"] == 3


async def test_an_execute_that_is_too_much_is_halved(vk: Server) -> None:
    vk.heaviest = 7
    assert len(posts(await Reader(vk, communities=walls(vk, 40), comments=False).read())) == 40
    assert vk.requests["execute"] < 12


async def test_one_wall_of_many_is_refused(vk: Server) -> None:
    names = walls(vk, 5)
    for number, code in ((2, 15), (3, 30), (4, 203)):
        vk.world.walls[-number].closed = code
    reader = Reader(vk, communities=[*names, "nobody_there", "club77"])
    assert sorted(posts(await reader.read())) == ["-1_1", "-5_1"]
    assert reader.errors("Restricted") == 3


async def test_a_failure_inside_of_execute_that_is_the_tokens(vk: Server) -> None:
    names = walls(vk, 5)
    vk.failures["wall.get"] = [6, 10]
    assert len(posts(await Reader(vk, communities=names).read())) == 5


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=502, text="<h1>Bad Gateway</h1>"),
        lambda: web.Response(status=429, headers={"Retry-After": "30"}),
        lambda: web.Response(text="<html>maintenance</html>", content_type="text/html"),
        lambda: web.Response(text='{"response": {"items": [', content_type="application/json"),
        lambda: web.Response(text="", content_type="application/json"),
        lambda: web.Response(text="[]", content_type="application/json"),
        lambda: web.Response(status=404, text="not here"),
        lambda: web.json_response({"error": "odd"}),
        lambda: web.json_response({"error": {"error_code": 4711, "error_msg": "new"}}),
        lambda: web.json_response({"response": None}),
        lambda: web.json_response({"response": {"count": "many", "items": {"a": 1}, "profiles": 7}}),
    ],
)
async def test_odd_answers_delay_and_lose_nothing(vk: Server, answer: Any) -> None:
    vk.publish(vk.world.group(1, "teplobank"), "новость")
    reader = Reader(vk, communities=["club1"])
    vk.answers = [answer() for _ in range(3)]
    items = await reader.read(until=lambda items: bool(ids(items)))
    assert ids(items) == ["-1_1"]
    assert reader.time.clock() - NOON < timedelta(hours=7)


async def test_silence_delays_and_loses_nothing(vk: Server) -> None:
    vk.publish(vk.world.group(1, "teplobank"), "новость")
    vk.silent = 4
    reader = Reader(vk, communities=["club1"])
    times = Times(connect=5, read=0.1, total=5)
    items = await reader.read(until=lambda items: bool(ids(items)), times=times)
    assert ids(items) == ["-1_1"]
    assert vk.silent == 0


async def test_a_post_that_vk_cannot_show_holds_up_no_other(vk: Server) -> None:
    bank = vk.world.group(1, "teplobank")
    made = [vk.publish(bank, f"новость {number}") for number in range(3)]
    words = [vk.world.comment(post, "слово") for post in made]

    def break_one(method: str, params: Any) -> None:
        if method == "wall.getComments" and params["post_id"] == "2":
            raise VkError(10, "Internal server error")

    vk.before = break_one
    items = await Reader(vk, communities=["club1"]).read()
    wanted = {f"-1_{each['id']}" for each in (*made, words[0], words[2])}
    assert set(posts(items)) == wanted


async def test_a_name_that_cannot_be_looked_up_now_is_looked_up_later(vk: Server) -> None:
    vk.failures["utils.resolveScreenName"] = [10] * 20
    with pytest.raises(SourceUnavailable):
        await Reader(vk, communities=["teplobank"]).read()
