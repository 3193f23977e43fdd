"""`molva agent check` beside a running agent: nothing at the source is changed, no port is listened on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from agents.fleet.dry_run import Look, look
from agents.fleet.premises import Outside
from agents.kinds import load
from agents.options import Lookup
from agents.web import Traffic
from pipeline.metrics import Metrics
from tests.agents.email.letters import letter
from tests.agents.email.server import PASSWORD, USER, Server
from tests.agents.fleet.test_commands import molva
from tests.agents.rss.server import XML, FeedServer, rss

SECRETS = Lookup({"SECRET": "a secret", "PASSWORD": PASSWORD})


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which the agent that runs listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


async def looked(private: str = "", **entry: Any) -> Look:
    def clock() -> datetime:
        return datetime.now(UTC)

    metrics = Metrics()
    outside = Outside(
        traffic=Traffic(metrics, clock=clock),
        metrics=metrics,
        clock=clock,
        sleep=asyncio.sleep,
        jitter=lambda: 0.5,
        watchlist=None,
        grace=timedelta(minutes=5),
        private=frozenset((private,) if private else ()),
    )
    options = load(entry["kind"]).options.model_validate({"name": "one", **entry}, context=SECRETS)
    return await look(options, outside, 20.0, items=1)


async def test_hubs_are_not_asked_to_push_and_nobody_listens(server: FeedServer, taken: int) -> None:
    server.answers["/a"] = lambda _: web.Response(body=rss(1), content_type=XML)
    websub = {
        "callback": f"http://127.0.0.1:{taken}",
        "port": taken,
        "secret": "env:SECRET",
        "hubs": [f"{server.address}/hub"],
    }
    found = await looked(
        server.address.removeprefix("http://"),
        kind="rss",
        feeds=[{"url": f"{server.address}/a"}],
        websub=websub,
    )
    assert len(found.items) == 1 and [path for path in server.requests if "hub" in str(path)] == []


async def test_the_door_of_vk_is_not_opened_twice(taken: int) -> None:
    community = {"community": "club123", "confirmation": "env:SECRET", "secret": "env:SECRET"}
    found = await looked(kind="vk-callback", communities=[community], port=taken)
    assert found.answered and found.items == [] and not found.errors


async def test_a_look_marks_nothing_as_read() -> None:
    async with Server() as imap:
        imap.publish(letter(number=1))
        found = await looked(
            f"127.0.0.1:{imap.port}",
            kind="email",
            host="127.0.0.1",
            port=imap.port,
            security="none",
            user=USER,
            password="env:PASSWORD",
            hash_key="env:SECRET",
            mark_seen=True,
        )
        assert len(found.items) == 1 and imap.boxes["INBOX"].messages[0].flags == set()


async def test_a_login_that_dies_of_two_places_is_left_alone_while_nobody_knows(tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text(
        "agents:\n  - name: banks\n    kind: telegram\n    api_id: env:ID\n    api_hash: env:ID\n"
        "    session: env:ID\n    channels: ['@teplobank']\n"
    )
    check = ("agent", "check", "banks", "--file", str(file))
    code, _, err = await molva(*check, ID="1")
    assert code == 3 and "nobody knows whether the fleet runs telegram:banks" in err and "--anyway" in err
    code, _, err = await molva(*check, "--anyway", ID="1")
    assert code == 2 and "session" in err
