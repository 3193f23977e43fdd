"""Attacks with connections: slow heads, bodies and readers, floods, pipelines. docs/security-ingest.md."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import cast

import pytest
from pydantic import SecretStr

from agents.http.admission import IngestLimits
from agents.http.callers import Caller
from agents.http.connections import Connection, Connections
from agents.http.signature import sign
from agents.manual_time import NOON
from pipeline.topics import RAW
from tests.agents.http.serving import Client, Wire, encoded, head, row, served, wired
from tests.agents.memory_publisher import MemoryPublisher
from tests.sink.worlds import until

GOOD = encoded(row(1))
QUICK = timedelta(seconds=0.3)
LONG = timedelta(seconds=60)
SLOW_HEADS = IngestLimits(head=QUICK, idle=LONG)
SLOW_BODIES = IngestLimits(body=QUICK)
FEW = IngestLimits(connections=5, head=LONG, idle=LONG)
IDLE = IngestLimits(head=LONG, idle=QUICK)


async def works(client: Client) -> bool:
    return (await client.post(encoded(row(99))))[0] == 202


async def test_a_head_that_comes_byte_by_byte_is_cut_off(publisher: MemoryPublisher) -> None:
    request = head(length=len(GOOD))
    async with served(publisher, limits=SLOW_HEADS) as client, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wired(client)) for _ in range(50)]

        async def drip(wire: Wire) -> None:
            try:
                while True:
                    for byte in request[:-2] * 100:
                        await wire.send(bytes([byte]))
                        await asyncio.sleep(0.05)
            except ConnectionError:
                pass

        dripping = [asyncio.ensure_future(drip(wire)) for wire in wires]
        assert await works(client), "others are served meanwhile"
        await asyncio.gather(*(wire.ended() for wire in wires))
        for each in dripping:
            each.cancel()
        await asyncio.gather(*dripping, return_exceptions=True)
        assert await works(client)
    assert len(publisher.of(RAW)) == 2


async def test_a_body_that_comes_byte_by_byte_is_refused(publisher: MemoryPublisher) -> None:
    async with served(publisher, limits=SLOW_BODIES) as client, wired(client) as wire:
        await wire.send(head(length=1000) + GOOD[:1])
        status, answer = await wire.answer()
        assert (status, answer["error"]) == (408, "too_slow")
        assert await works(client)


async def test_who_never_says_anything_is_cut_off(publisher: MemoryPublisher) -> None:
    async with served(publisher, limits=IDLE) as client, wired(client) as silent, wired(client) as kept:
        await kept.send(head(length=len(GOOD)) + GOOD)
        assert (await kept.answer())[0] == 202
        await asyncio.gather(silent.ended(), kept.ended())


async def test_an_answer_that_nobody_reads_is_given_up(publisher: MemoryPublisher) -> None:
    limits = IngestLimits(idle=QUICK, records=10_000)
    bad = json.dumps([{"id": "x" * 500, "source": "y"}] * 9_000).encode()
    async with served(publisher, limits=limits) as client, wired(client) as wire:
        await wire.send(head("Content-Type: application/json", length=len(bad)) + bad)
        transport = cast(asyncio.Transport, wire.writer.transport)
        transport.pause_reading()
        try:
            while not transport.is_closing():  # until the server has cut it off
                await wire.send(head(length=len(GOOD)) + GOOD)
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        assert await works(client)


@pytest.mark.parametrize("start", [b"", b"POST /v1/po"])
async def test_a_flood_of_connections_drives_out_the_oldest(publisher: MemoryPublisher, start: bytes) -> None:
    async with served(publisher, limits=FEW) as client, AsyncExitStack() as stack:
        wires = []
        for _ in range(60):
            wire = await stack.enter_async_context(wired(client))
            try:
                await wire.send(start)
            except ConnectionError:
                continue
            wires.append(wire)
        assert await works(client), "whoever comes next is served"
        await asyncio.gather(*(wire.ended() for wire in wires[:50]))


async def test_those_at_work_are_not_driven_out(publisher: MemoryPublisher) -> None:
    publisher.confirming.clear()
    async with served(publisher, limits=FEW) as client, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wired(client)) for _ in range(5)]
        for number, wire in enumerate(wires):
            body = encoded(row(number))
            await wire.send(head(length=len(body)) + body)
        await until(lambda: len(publisher.sent) == 5)
        async with wired(client) as late:
            await late.ended()
        publisher.confirming.set()
        assert [(await wire.answer())[0] for wire in wires] == [202] * 5


async def test_pipelined_requests_are_answered_in_order(publisher: MemoryPublisher) -> None:
    bodies = [encoded(row(number)) for number in range(200)]
    async with served(publisher) as client, wired(client) as wire:
        await wire.send(b"".join(head(length=len(body)) + body for body in bodies))
        ids = []
        for _ in bodies:
            status, answer = await wire.answer()
            assert status == 202
            ids.append(answer["verdicts"][0]["id"])
    assert ids == [f"crm:{number}" for number in range(200)]


async def test_a_body_behind_a_refusal_is_no_request(publisher: MemoryPublisher) -> None:
    """The body of a refused request, which nobody has read, is itself a whole request."""
    inner = head(length=len(GOOD)) + GOOD
    outer = head(length=len(inner)).replace(b"Bearer", b"Basic") + inner
    async with served(publisher) as client, wired(client) as wire:
        await wire.send(outer)
        assert (await wire.answer())[0] == 401
        await wire.send(head(method="GET", path="/healthz"))
        assert (await wire.answer())[0] in {0, 200}
    assert publisher.sent == []


async def test_an_endless_body_of_a_stranger_ends(publisher: MemoryPublisher) -> None:
    limits = IngestLimits(head=QUICK)
    async with served(publisher, limits=limits) as client, wired(client) as wire:
        await wire.send(head("Transfer-Encoding: chunked").replace(b"Bearer", b"Basic"))
        assert (await wire.answer())[0] == 401
        try:
            while True:
                await wire.send(b"400\r\n" + b" " * 1024 + b"\r\n")
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        assert await works(client)


SECRET = "a-secret-of-many-characters"
SIGNER = Caller(name="forum", secrets=(SecretStr(SECRET),), sources=("crm",))


async def test_unproven_signatures_cannot_take_all_places(publisher: MemoryPublisher) -> None:
    limits = IngestLimits(requests=4, unproven=2, body=LONG)
    forged = f"X-Molva-Signature: t={int(NOON.timestamp())},v1={'0' * 64}"
    async with served(publisher, callers=(SIGNER,), limits=limits) as client, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(wired(client)) for _ in range(3)]
        for wire in wires:
            await wire.send(head(forged, length=1000) + b"{")
        status, answer = await wires[2].answer()
        assert (status, answer["error"]) == (429, "busy")
        assert await works(client), "who has a token is served"
    async with served(publisher, callers=(SIGNER,), limits=limits) as client:
        for number in range(10):
            body = encoded(row(number))
            assert (await signed(client, body))[0] == 202


async def test_bytes_of_unproven_bodies_do_not_use_up_the_room_of_others(publisher: MemoryPublisher) -> None:
    """Strangers fill their own room and keep it; who has a token has all of the other one."""
    limits = IngestLimits(bytes_in_flight=2000, unproven_bytes=1000, body=LONG, body_bytes=2000)
    forged = f"X-Molva-Signature: t={int(NOON.timestamp())},v1={'0' * 64}"
    large = encoded(row(1, text="x" * 1800))
    async with served(publisher, callers=(SIGNER,), limits=limits) as client:
        async with wired(client) as first, wired(client) as second:
            await first.send(head(forged, length=1001) + b"{" * 1000)
            async with asyncio.timeout(20):
                while (await signed(client, b" " * 1001))[0] != 429:
                    pass  # until what was sent is read
            assert (await client.post(large))[0] == 202
            await second.send(head(forged, length=1001) + b"{")
            assert (await second.answer())[0] == 429
        for number in range(10):
            assert (await signed(client, encoded(row(number, text="y" * 800))))[0] == 202, (
                "all of it is free again"
            )
            assert (await client.post(large))[0] == 202


async def test_a_proven_body_needs_room_among_the_others(publisher: MemoryPublisher) -> None:
    limits = IngestLimits(bytes_in_flight=2000, unproven_bytes=1000, body=LONG, body_bytes=2000)
    body = encoded(row(2, text="y" * 800))
    async with served(publisher, callers=(SIGNER,), limits=limits) as client:
        async with wired(client) as waiting:
            await waiting.send(head(length=1501) + b"{" * 1500)
            async with asyncio.timeout(20):
                while (await signed(client, body))[0] != 429:
                    pass  # until what was sent is read
        async with asyncio.timeout(20):
            while (await signed(client, body))[0] != 202:
                pass  # 429 withdrew it: the very same body is taken once there is room, not called a replay


async def signed(client: Client, body: bytes) -> tuple[int, object]:
    header = sign(SECRET.encode(), body, int(NOON.timestamp()))
    return await client.post(body, token=None, X_Molva_Signature=header)


async def test_a_day_of_connections_leaves_nothing_behind() -> None:
    """A new connection each second, half of which are never closed by their client."""
    seconds = [0.0]
    connections = Connections(IngestLimits(), lambda: seconds[0])
    make = connections.guarding(asyncio.Protocol)
    most = 0
    for second in range(24 * 3600):
        seconds[0] = float(second)
        transport = FakeTransport()
        transport.connection = cast(Connection, make())
        transport.connection.connection_made(transport)
        transport.connection.data_received(b"POST")
        if second % 2:
            transport.connection.connection_lost(None)
        connections.sweep()
        most = max(most, len(connections))
    assert most <= 12


class FakeTransport(asyncio.Transport):
    """Only ends."""

    connection: Connection

    def abort(self) -> None:
        self.connection.connection_lost(None)
