"""Running for long: kills, holes, shifting pages, failures, limits, a day without growth, the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from aiohttp import web

from agents.base import BadConfiguration, Collected, CursorCorrupt
from agents.fleet.cursor_rows import MAX_CURSOR_BYTES, pack
from agents.rates import Limit
from agents.telegram_web.cursor import WATCHED, Cursor
from tests.agents.day import lives_a_day
from tests.agents.telegram.items import ids, kills, last_cursor, rounds
from tests.agents.telegram_web.reading import Reader
from tests.agents.telegram_web.server import Server
from tests.agents.web.opening import local_web


async def test_nothing_is_lost_by_a_kill_at_any_item(site: Server) -> None:
    first, second = site.channel("teplobank"), site.channel("other_bank")
    for number in range(90):
        site.publish(first, f"новость {number}")
        site.publish(second, f"другое {number}")
    reader = Reader(site, "teplobank", "other_bank", history=85)
    whole = await reader.read()
    assert len(set(ids(whole))) == 2 * 85
    for before, saved in kills(whole, None):
        assert set(before) | set(ids(await reader.read(saved))) == set(ids(whole))
    cursor = last_cursor(whole)
    for number in range(50):
        site.publish(first, f"ещё {number}")
    site.edit(second, 80, text="правка")
    news = await reader.read(cursor)
    assert len(set(ids(news))) == 51
    for before, saved in kills(news, cursor):
        assert set(before) | set(ids(await reader.read(saved))) == set(ids(news))


async def test_pages_that_shift_while_they_are_read(site: Server) -> None:
    channel = site.channel("teplobank")
    for number in range(100):
        site.publish(channel, f"новость {number}")
    reader = Reader(site, "teplobank", history=100)
    steps = 0

    def shift(items: Sequence[Collected]) -> bool:
        nonlocal steps
        if (count := site.requests["/s/teplobank"]) > steps:
            steps = count
            site.publish(channel, f"новее {steps}")
            del channel.posts[min(channel.posts)]
            del channel.posts[sorted(channel.posts)[10]]
        return steps > 8

    found = set(ids(await reader.read(until=shift)))
    assert {f"teplobank/{number}" for number in channel.posts if number <= 100 + 3} <= found


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("group", "is a group: only channels have a preview"),
        ("closed", "shows no preview"),
        ("person", "is a person or a bot"),
        ("", "does not exist, or is private"),
    ],
)
async def test_channels_without_a_preview(
    site: Server, kind: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.publish(site.channel("teplobank"), "новость")
    if kind:
        site.channel("hidden_bank", kind=kind)
    assert ids(await Reader(site, "hidden_bank", "teplobank").read()) == ["teplobank/1"]
    assert f"@hidden_bank {why}" in caplog.text
    with pytest.raises(BadConfiguration, match=why):
        await Reader(site, "hidden_bank").read()


async def test_a_channel_that_is_another_one_now_gets_ids_of_its_own(site: Server) -> None:
    old = site.channel("teplobank")
    site.publish(old, "старое")
    reader = Reader(site, "teplobank")
    cursor = last_cursor(await reader.read())
    heir = site.channel("teplobank")
    heir.peer = 1_999_999_999
    site.publish(heir, "новый хозяин")
    assert ids(await reader.read(cursor)) == ["c/1999999999/1"]


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(status=404),
        web.Response(text="{}", content_type="application/json"),
        web.Response(text="<html><body>Please wait</body></html>", content_type="text/html"),
        web.Response(status=302, headers={"Location": "https://elsewhere.example/"}),
        web.Response(text="x" * 6_000_000, content_type="text/html"),
    ],
    ids=["500", "404", "json", "no preview", "elsewhere", "huge"],
)
async def test_a_bad_answer_is_one_of_its_channel(site: Server, answer: web.Response) -> None:
    site.publish(site.channel("teplobank"), "новость")
    site.publish(site.channel("other_bank"), "другое")
    site.answers = [answer]
    if answer.status == 500:
        site.answers = [web.Response(status=500) for _ in range(3)]  # asked again twice
    items = await Reader(site, "teplobank", "other_bank").read(until=rounds(3))
    assert ids(items)[0] == "other_bank/1"


async def test_a_page_without_posts_is_told_and_deletes_nothing(site: Server) -> None:
    channel = site.channel("teplobank")
    site.publish(channel, "новость")
    reader = Reader(site, "teplobank")
    cursor = last_cursor(await reader.read())
    kept, channel.posts = channel.posts, {}
    await reader.read(cursor, until=rounds(3))
    labels = {"agent": "telegram-web:one", "error": "SourceUnavailable"}
    assert reader.metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 3
    channel.posts = kept
    assert ids(await reader.read(cursor, until=rounds(3))) == []


async def test_retry_after_is_obeyed_for_all_channels(site: Server) -> None:
    site.publish(site.channel("teplobank"), "новость")
    site.publish(site.channel("other_bank"), "другое")
    site.answers = [web.Response(status=429, headers={"Retry-After": "600"})]
    reader = Reader(site, "teplobank", "other_bank")
    items = await reader.read(until=lambda found: len(ids(found)) == 2)
    assert set(ids(items)) == {"teplobank/1", "other_bank/1"}
    assert site.times[1] - site.times[0] >= timedelta(seconds=600)


async def test_requests_keep_to_the_limit(site: Server) -> None:
    for number in range(10):
        channel = site.channel(f"bank_{number}")
        for _ in range(50):
            site.publish(channel, "новость")
    reader = Reader(site, *(f"bank_{number}" for number in range(10)))
    await reader.read(limit=Limit(0.5, 2))
    assert len(site.times) >= 20
    for first, last in zip(site.times, site.times[3:], strict=False):
        assert last - first >= timedelta(seconds=3.9), "at most 2 at once and one every 2 seconds"


async def test_a_day_without_growth(site: Server) -> None:
    channels = [site.channel(f"bank_{number}", newest=1000) for number in range(3)]
    reader = Reader(site, *(channel.handle for channel in channels))

    def every_hour(hour: int) -> None:
        site.now = reader.time.clock()
        for channel in channels:
            for _ in range(5):
                site.publish(channel, f"час {hour}")

    async with local_web(site.url, time=reader.time, metrics=reader.metrics) as known:
        found = await lives_a_day(
            reader.source(known),
            reader.time,
            every_hour,
            connections=lambda: site.connections,
            most_connections=1,
            largest_cursor=3 * (WATCHED * 40 + 100),
        )
    assert len(found) == len(set(found)) == 3 * 5 * 23
    assert len(site.times) < 3 * 24 * 60, "silent channels are asked seldom"


async def test_a_period_of_the_past_is_read_whole_also_after_kills(site: Server) -> None:
    channel = site.channel("teplobank")
    for number in range(400):
        site.publish(channel, f"новость {number}", at=site.now - timedelta(hours=400 - number))
    since, until = site.now - timedelta(hours=300), site.now - timedelta(hours=200)
    inside = {f"teplobank/{number}" for number in range(101, 201)}
    reader = Reader(site, "teplobank")
    whole = await reader.past(since, until)
    assert inside <= set(ids(whole))
    assert len(ids(whole)) <= 100 + 4 * 20
    assert site.requests["/s/teplobank"] <= 7 + 8
    for before, saved in kills(whole, None):
        assert inside <= set(before) | set(ids(await reader.past(since, until, saved)))
    assert ids(await reader.past(since, until, last_cursor(whole))) == []


async def test_a_damaged_cursor_is_told(site: Server) -> None:
    with pytest.raises(CursorCorrupt):
        await Reader(site, "teplobank").read("{}x")


def test_the_cursor_of_the_most_channels_fits() -> None:
    state = {
        "peer": 1_999_999_999,
        "called": "a" * 32,
        "last": 999_999,
        "hole": {"low": 100_000, "high": 999_999},
        "posts": {number: {"digest": "0" * 12, "missed": 1} for number in range(900_000, 900_000 + WATCHED)},
    }
    whole = Cursor.model_validate({"channels": {f"{'a' * 28}{number}": state for number in range(300)}})
    assert len(pack("telegram-web:one", whole.written())) <= MAX_CURSOR_BYTES
