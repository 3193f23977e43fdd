"""Posts for the past that detection learns from, from a real ClickHouse."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.backtest.stored_posts import how_many, stored_posts
from pipeline.core.windows import DAY, seconds
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from tests.sink.samples import START

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

SPAN = (seconds(START), seconds(START) + DAY)


@pytest.fixture
def client(stack: Any) -> Iterator[Any]:
    settings = stack.info.settings(Settings()).model_copy(
        update={"clickhouse_database": f"t_{uuid.uuid4().hex}"}
    )
    with connect(settings, database="default") as bare:
        migrate(bare, settings.clickhouse_database)
    with connect(settings) as connected:
        yield connected


def row(number: int, **more: Any) -> dict[str, Any]:
    told = {"channel_id": "c", "author_id": "a", "author_own": False, "spoken_by": [], "community_of": []}
    post = {"id": f"vk:{number}", "timeline": "live", "created_at": START, "text": f"text {number}"}
    return {**post, "source": "vk", "kind": "post", "collected_at": START, **told, **more}


def test_whose_accounts_speak_is_the_watchlists_of_today_to_say(client: Any) -> None:
    rows = [
        row(1, author_own=True, spoken_by=["bank"]),  # by an account of the watchlist of then
        row(2, author_own=True, spoken_by=["bank"], community_of=["bank"]),  # the agent knew the company
        row(3, author_own=True, spoken_by=["bank"], community_of=["bank"], author_id="c"),  # the channel
        row(4, author_own=True),  # the agent, of a company that was not watched
        row(5),
        row(6, author_id="", channel_id=""),
    ]
    client.execute(f"INSERT INTO posts ({', '.join(rows[0])}) VALUES", rows)
    assert how_many(client, "live", *SPAN) == len(rows)
    (found,) = stored_posts(client, "live", *SPAN)
    assert {post.id: post.author and post.author.own for post in found} == {
        "vk:1": False,
        "vk:2": True,
        "vk:3": False,
        "vk:4": True,
        "vk:5": False,
        "vk:6": None,
    }
