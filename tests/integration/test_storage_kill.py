"""Storage under kill -9: of the worker, and of ClickHouse, in the middle of a stream."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from pipeline import topics
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.stages import storage
from tests.sink import samples
from tests.sink.worlds import Broker, World, new_world, running

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

POSTS = 1500
WORKER = """
import asyncio
from datetime import UTC, datetime
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.stages.storage import run

async def emit(letter):
    raise AssertionError(letter)

asyncio.run(run(Settings(), Metrics(), asyncio.Event(), emit_dead_letter=emit, now=lambda: datetime.now(UTC)))
"""


AT_ITS_NOTE = """
import os, pathlib, sys, time
log = os.open(max(pathlib.Path(sys.argv[2]).glob("deduplication_logs/*.txt")), os.O_RDONLY)
size, began = os.fstat(log).st_size, time.monotonic()
while os.fstat(log).st_size == size:
    if time.monotonic() - began > 10:
        sys.exit("everything is stored already")
os.kill(int(sys.argv[1]), 9)
"""
"""Kills a ClickHouse in the moment in which it notes an insert into a table, before the part has its name."""


async def start_worker(settings: Settings) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, env={**os.environ, **settings.environment()}
    )


async def feed(world: World) -> None:
    for start in range(0, POSTS, 100):
        await world.send(topics.ENRICHED, [samples.enriched(n) for n in range(start, start + 100)])
        await world.send(topics.MENTIONS, [samples.mention(n) for n in range(start, start + 100)])


def assert_exact(world: World) -> None:
    """Counts without FINAL, and the rollups against a recount of the mentions."""
    assert world.ask("SELECT count() FROM posts") == POSTS
    assert world.ask("SELECT uniqExact(id) FROM posts") == POSTS
    assert world.ask("SELECT count() FROM entities") == POSTS * 3 // 2
    assert world.ask("SELECT count() FROM mentions") == POSTS
    for name in ("5m", "1h", "1d"):
        assert world.ask(f"SELECT sum(mentions) FROM mentions_{name}") == POSTS
        assert world.ask(f"SELECT sum(negatives) FROM mentions_{name}") == POSTS // 3


@pytest.fixture
async def world(
    settings: Callable[..., Settings], new_broker: Callable[[Path], Broker], tmp_path: Path
) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path, new_broker(tmp_path)) as made:
        yield made


async def test_worker_killed(world: World) -> None:
    """Three workers one after the other are killed at whatever they do when some more posts are there."""
    await feed(world)
    for at_least in (100, 500, 900):
        worker = await start_worker(world.settings)
        await world.holds(f"SELECT count() >= {at_least} FROM posts", 1)
        worker.kill()
        await worker.wait()
    worker = await start_worker(world.settings)
    await world.holds(f"SELECT count() >= {POSTS} FROM posts", 1)
    await world.holds(f"SELECT count() >= {POSTS} FROM mentions", 1)
    worker.kill()
    await worker.wait()
    async with running(world.settings):  # ends what the last one may have left undone
        await world.holds(f"SELECT sum(mentions) >= {POSTS} FROM mentions_1d", 1)
    assert_exact(world)


async def after_rows(world: World, server: EmbeddedClickHouse) -> None:
    """Kill it three times when some more posts are there."""
    for at_least in (100, 500, 900):
        await world.holds(f"SELECT count() >= {at_least} FROM posts", 1)
        os.kill(server.pid, 9)
        await restarted(server)


async def at_notes(world: World, server: EmbeddedClickHouse) -> None:
    """Kill it in the moment of a note, for tables and for targets of views."""
    for table in ("mentions_1d", "entities_1h", "mentions", "post_ids"):
        await world.holds(f"SELECT count() >= 1 FROM {table}", 1)
        folder = world.ask(f"SELECT data_paths[1] FROM system.tables WHERE name = '{table}' LIMIT 1")
        killer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", AT_ITS_NOTE, str(server.pid), folder
        )
        killed = await killer.wait() == 0
        assert killed or table != "mentions_1d"
        if killed:
            await restarted(server)


async def restarted(server: EmbeddedClickHouse) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("kill", [after_rows, at_notes])
async def test_clickhouse_killed(
    settings: Callable[..., Settings],
    new_broker: Callable[[Path], Broker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kill: Callable[[World, EmbeddedClickHouse], Awaitable[None]],
) -> None:
    """ClickHouse dies several times under the insert; storage stays in its group, waits, and goes on."""
    with EmbeddedClickHouse(tmp_path / "ch") as server:

        def current(settings: Settings) -> Settings:
            options = server.client_options()
            return settings.model_copy(
                update={
                    "clickhouse_host": options["host"],
                    "clickhouse_port": options["port"],
                    "clickhouse_user": options["user"],
                    "clickhouse_password": type(settings.clickhouse_password)(options["password"]),
                }
            )

        # The embedded server has a new password after each start.
        monkeypatch.setattr(storage, "connect", lambda settings: connect(current(settings)))
        monkeypatch.setattr(
            "tests.sink.worlds.connect", lambda settings, *rest: connect(current(settings), *rest)
        )
        async with new_world(settings(), tmp_path, new_broker(tmp_path)) as world:
            await feed(world)
            async with running(world.settings) as metrics:
                await kill(world, server)
                await world.holds("SELECT sum(mentions) FROM mentions_1d", POSTS)
                await world.holds("SELECT count() FROM entities", POSTS * 3 // 2)
            assert_exact(world)
            assert any(
                sample.value
                for family in metrics.sink_retries.collect()
                for sample in family.samples
                if sample.name.endswith("_total")
            )
