"""An agent none of whose places can be read says so, whatever its kind, and no longer once one can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from agents.base import Collected, Progress, SourceUnavailable
from agents.pace import trouble_of
from tests.agents.appstore import reading as appstore_reading
from tests.agents.appstore import server as appstore_server
from tests.agents.hackernews import reading as hackernews_reading
from tests.agents.hackernews import server as hackernews_server
from tests.agents.mastodon import reading as mastodon_reading
from tests.agents.mastodon import server as mastodon_server
from tests.agents.telegram_web import reading as telegram_web_reading
from tests.agents.telegram_web import server as telegram_web_server
from tests.agents.vk import reading as vk_reading
from tests.agents.vk import server as vk_server


def unavailable() -> list[web.Response]:
    """Enough for all that is asked, each several times, before the first is asked again."""
    return [web.Response(status=503) for _ in range(30)]


@asynccontextmanager
async def appstore() -> AsyncIterator[tuple[Any, Any]]:
    async with appstore_server.Server() as server:
        yield server, appstore_reading.reader_of(server)


@asynccontextmanager
async def hackernews() -> AsyncIterator[tuple[Any, Any]]:
    async with hackernews_server.Server() as server:
        yield server, hackernews_reading.reader(server)


@asynccontextmanager
async def telegram_web() -> AsyncIterator[tuple[Any, Any]]:
    async with telegram_web_server.Server() as server:
        for handle in ("teplo", "news"):
            server.publish(server.channel(handle), "новость")
        yield server, telegram_web_reading.Reader(server, "teplo", "news")


@asynccontextmanager
async def vk() -> AsyncIterator[tuple[Any, Any]]:
    async with vk_server.Server() as server:
        server.publish(server.world.group(1, "teplobank"), "новость")
        yield server, vk_reading.Reader(server, communities=["club1"], queries=["тепло"])


def troubles(items: Sequence[Collected]) -> list[str]:
    return [item.trouble for item in items if isinstance(item, Progress)]


@pytest.mark.parametrize("kind", [appstore, hackernews, telegram_web, vk])
async def test_it_is_told_until_one_answers(kind: Any) -> None:
    async with kind() as (server, reader):
        server.answers = unavailable()

        def over(items: Sequence[Collected]) -> bool:
            told = troubles(items)
            return any(told) and not told[-1]

        told = troubles(await reader.read(until=over))
    assert next(each for each in told if each).startswith("nothing can be read; ")
    assert "503" in " ".join(told)


async def test_it_is_told_of_instances_too() -> None:
    async with mastodon_server.Server() as server:
        server.answers = unavailable()
        reader = mastodon_reading.Reader(server, instance={"hashtags": ["тепло"], "transport": "poll"})
        async with reader.living() as living:
            await living.until(lambda: any(troubles(living.items)), passing=reader.time)
            server.answers.clear()
            await living.until(lambda: not troubles(living.items)[-1], passing=reader.time)
        assert "503" in " ".join(troubles(living.items))


def test_one_that_was_not_asked_may_answer() -> None:
    failure, other = SourceUnavailable("HTTP 503"), SourceUnavailable("HTTP 500")
    assert trouble_of([failure, None]) == "" == trouble_of([])
    assert trouble_of([failure, failure, other]) == "nothing can be read; HTTP 503; HTTP 500"
