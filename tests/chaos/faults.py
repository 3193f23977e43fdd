"""How each fault is done and undone: ``async with befall(world, fault)`` holds it inside the block."""

from __future__ import annotations

import asyncio
import signal
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos.faults_clickhouse import clickhouse_fault
from tests.chaos.means import NotHere, kill, network, paused, send
from tests.chaos.schedule import Fault
from tests.chaos.world import World

CLOCK_S = 10.0
JUMP_S = {"clock-ahead": 3 * 3600, "clock-behind": -3 * 3600}
SLOW_STOP_S, SLOW_GO_S = 0.6, 0.2
"""A slow worker is stopped for three quarters of the time."""


@asynccontextmanager
async def befall(world: World, fault: Fault) -> AsyncIterator[None]:
    """The fault holds inside the block.

    Raises:
        NotHere: it needs what this machine lacks, or there is nothing left to kill.
    """
    target = fault.target
    if fault.kind == "join":
        effect = _guest(world, target)
    elif target == "clickhouse":
        effect = clickhouse_fault(world, fault.kind)
    elif target.startswith("broker-"):
        effect = _broker(world, int(target.removeprefix("broker-")), fault.kind)
    else:
        effect = _worker(world, target, fault.kind)
    async with effect:
        yield


@asynccontextmanager
async def _worker(world: World, name: str, kind: str) -> AsyncIterator[None]:
    pid = await _pid(world, name)
    if kind == "kill":
        kill(pid)
        yield
    elif kind == "restart":
        send(pid, signal.SIGTERM)
        yield
    elif kind == "pause":
        async with paused(pid):
            yield
    elif kind == "slow":
        async with _slow(pid):
            yield
    else:
        async with _clock(world, pid, JUMP_S[kind]):
            yield


async def _pid(world: World, name: str) -> int:
    """Of a worker, as soon as it runs."""
    while (pid := world.supervisor.pids().get(name)) is None:  # noqa: ASYNC110 — it tells no event
        await asyncio.sleep(0.1)
    return pid


@asynccontextmanager
async def _slow(pid: int) -> AsyncIterator[None]:
    async def limp() -> None:
        while True:
            async with paused(pid):
                await asyncio.sleep(SLOW_STOP_S)
            await asyncio.sleep(SLOW_GO_S)

    async with _meanwhile(asyncio.create_task(limp())):
        yield


@asynccontextmanager
async def _meanwhile(task: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _clock(world: World, pid: int, seconds: int) -> AsyncIterator[None]:
    if world.clocks is None:
        raise NotHere("the clock of a process cannot be set without a C compiler (cc)")
    file = world.clocks / str(pid)
    await _made(file)
    _set_clock(file, seconds)
    try:
        yield
    finally:
        _set_clock(file, 0)


async def _made(file: Path) -> None:
    """Wait for the clock of a process that was started a moment ago."""
    try:
        async with asyncio.timeout(CLOCK_S):
            while not await asyncio.to_thread(file.exists):  # noqa: ASYNC110 (another process makes it)
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise NotHere("the process ended before its clock could be set") from error


def _set_clock(file: Path, seconds: int) -> None:
    with file.open("r+b") as clock:
        clock.write(struct.pack("q", seconds))


@asynccontextmanager
async def _guest(world: World, stage: str) -> AsyncIterator[None]:
    guest = world.workers((f"{stage}-3",))
    guest.start()
    try:
        yield
    finally:
        await asyncio.to_thread(guest.stop)


@asynccontextmanager
async def _broker(world: World, number: int, kind: str) -> AsyncIterator[None]:
    node, proxy = world.kafka.nodes[number - 1], world.to_brokers[number - 1]
    if kind in ("kill", "restart"):
        await asyncio.to_thread(node.kill if kind == "kill" else node.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(node.start)
    elif kind == "pause":
        async with paused(node.pid):
            yield
    elif kind == "apart":
        async with network(world.between_brokers[number - 1], "hole"):
            yield
    else:
        async with network(proxy, kind):
            yield
