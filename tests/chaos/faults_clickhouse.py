"""What befalls ClickHouse: death, standstill, the network, and six ways of refusing an insert."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos.means import NotHere, network, paused
from tests.chaos.world import World

BALLAST_CHUNK = 4 << 20
SETTINGS = {
    "too-many-parts": (("mentions_1h", "post_ids"), "parts_to_throw_insert = 1, parts_to_delay_insert = 1"),
    "no-space": (("posts", "mentions"), "min_free_disk_bytes_to_perform_insert = 1000000000000000"),
    "read-only": (("mentions_1d", "entities", "spikes"), "table_readonly = 1"),
}
"""Tables, and what their settings become: real errors 252, 243 and 774, the first and last also of views."""


@asynccontextmanager
async def clickhouse_fault(world: World, kind: str) -> AsyncIterator[None]:
    server = world.clickhouse
    if kind in ("kill", "restart"):
        if kind == "kill":
            os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(server.start)
    elif kind == "pause":
        async with paused(server.pid):
            yield
    elif kind == "disk-full":
        async with _full_disk(world):
            yield
    elif kind == "view-throws":
        async with _thrown(world, ("posts", "mentions")):
            yield
    elif kind in SETTINGS:
        async with _altered(world, *SETTINGS[kind]):
            yield
    else:
        async with network(world.to_clickhouse, kind):
            yield


@asynccontextmanager
async def _altered(world: World, tables: Sequence[str], settings: str) -> AsyncIterator[None]:
    ask = world.ask()
    names = ", ".join(each.partition(" = ")[0] for each in settings.split(", "))
    try:
        for table in tables:
            await asyncio.to_thread(ask.do, f"ALTER TABLE {table} MODIFY SETTING {settings}")
        yield
    finally:
        for table in tables:
            await asyncio.to_thread(ask.do, f"ALTER TABLE {table} RESET SETTING {names}")


@asynccontextmanager
async def _thrown(world: World, tables: Sequence[str]) -> AsyncIterator[None]:
    ask = world.ask()
    await asyncio.to_thread(ask.do, "CREATE TABLE IF NOT EXISTS chaos_thrown (x UInt8) ENGINE = Null")
    try:
        for table in tables:
            view = f"CREATE MATERIALIZED VIEW chaos_throws_{table} TO chaos_thrown AS"
            await asyncio.to_thread(ask.do, f"{view} SELECT throwIf(1, 'chaos') AS x FROM {table}")
        yield
    finally:
        for table in tables:
            await asyncio.to_thread(ask.do, f"DROP VIEW IF EXISTS chaos_throws_{table} SYNC")


@asynccontextmanager
async def _full_disk(world: World) -> AsyncIterator[None]:
    """Until the ballast goes and ClickHouse is started again.

    Inserts are refused whole, but a merge that runs out of space can leave a part that cannot be read; at its
    start ClickHouse sets that part aside and takes those that it was merged from (docs/chaos.md).
    """
    disk = world.disk
    if disk is None:
        raise NotHere("a small disk of its own takes root (a tmpfs is mounted)")
    ballast = disk / "ballast"
    try:
        await asyncio.to_thread(_fill, ballast)
        yield
    finally:
        ballast.unlink(missing_ok=True)
        await asyncio.to_thread(world.clickhouse.stop)
        await asyncio.to_thread(world.clickhouse.start)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast:
        for chunk in (bytes(BALLAST_CHUNK), bytes(4096)):
            try:
                while True:
                    ballast.write(chunk)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
