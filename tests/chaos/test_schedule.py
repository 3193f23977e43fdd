"""Schedules and proxies by themselves: a seed says all, and the network is as bad as it is meant to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.campaign import table
from tests.chaos.proxy import LOOPBACK, Proxy
from tests.chaos.schedule import SECONDS, make, possible

pytestmark = pytest.mark.timeout(60)


def test_a_seed_makes_the_same_schedule_again_and_another_seed_another() -> None:
    first = make(7, 100_000, 25, brokers=3)
    assert first == make(7, 100_000, 25, brokers=3)
    assert first != make(8, 100_000, 25, brokers=3)
    assert [fault.at for fault in first] == sorted(fault.at for fault in first)
    for fault in first:
        shortest, longest = SECONDS[fault.kind]
        assert 0 < fault.at < 100_000
        assert shortest <= fault.seconds <= longest


def test_enough_seeds_have_every_fault_of_every_target() -> None:
    drawn = {(fault.kind, fault.target) for seed in range(60) for fault in make(seed, 10_000, 40, brokers=3)}
    assert drawn == set(possible(3))


def test_only_the_kinds_that_are_asked_for() -> None:
    faults = make(1, 10_000, 30, kinds=["kill:storage-1", "join"])
    assert {fault.kind for fault in faults} == {"kill", "join"}
    assert {fault.target for fault in faults if fault.kind == "kill"} == {"storage-1"}
    with pytest.raises(ValueError, match="no fault is called"):
        make(1, 10_000, 30, kinds=["earthquake"])


def test_the_table_sums_up() -> None:
    report = {
        "seed": 3,
        "brokers": 3,
        "kills": 2,
        "seconds": 61.0,
        "findings": ["2 posts lost: a, b"],
        "counts": {"published": 100, "lost": 2, "duplicated": 0, "dead_letters": 1},
        "faults": [{"recovery_s": 4.0}, {"recovery_s": None}, {"recovery_s": 8.0}],
    }
    rows = table([report, report]).splitlines()[2:]
    assert rows[0] == "| 3 | 3 | 100 | 3 | 2 | 2 | 0 | 1 | 1 | 6 s, 8 s | 61 |"
    assert rows[2] == "| all |  | 200 | 6 | 4 | 4 | 0 | 2 | 2 | 6 s, 8 s | 122 |"


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.read(100):
            writer.write(line)
        writer.close()

    async with await asyncio.start_server(answer, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_the_proxy_holds_bytes_cuts_connections_and_is_open_again() -> None:
    async with echo() as port, Proxy(delay_s=0.01) as proxy:
        proxy.target = port
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(b"open")
        assert await reader.readexactly(4) == b"open"
        await proxy.set_mode("hole")
        writer.write(b"held")
        answer = asyncio.create_task(reader.readexactly(4))
        done, _ = await asyncio.wait([answer], timeout=0.2)
        assert not done
        await proxy.set_mode("delay")
        assert await answer == b"held"
        await proxy.set_mode("cut")
        assert await lost(reader)
        fresh, other = await asyncio.open_connection(LOOPBACK, proxy.port)
        assert await lost(fresh)
        await proxy.set_mode("open")
        last, third = await asyncio.open_connection(LOOPBACK, proxy.port)
        third.write(b"again")
        assert await last.readexactly(5) == b"again"
        for each in (writer, other, third):
            each.transport.abort()


async def lost(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends, in whichever way."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True
