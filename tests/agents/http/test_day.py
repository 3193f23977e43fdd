"""24 simulated hours of the ingest: posts, bad ones, deletions, strangers, signed and cut off bodies."""

from __future__ import annotations

import gzip
import logging
from typing import Any

import pytest
from pydantic import SecretStr

from agents.http.callers import Caller
from agents.http.connections import Connection
from agents.http.signature import sign
from agents.manual_time import ManualTime
from tests.agents.http.serving import Client, encoded, head, row, served, wired
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.pushed_day import pushed_for_a_day

SECRET = "a-secret-of-many-characters"
SIGNER = Caller(name="forum", secrets=(SecretStr(SECRET),), sources=("crm",))
ROUNDS = 3
"""Of each kind of request, in an hour."""


async def a_round(client: Client, time: ManualTime, number: int) -> None:
    """One request of each kind."""
    now = time.clock()
    rows = [row(10 * number + each, created_at=now.isoformat(), text="слово " * 50) for each in range(10)]
    assert (await client.post(encoded(*rows)))[0] == 202
    assert (await client.post(gzip.compress(encoded(*rows)), Content_Encoding="gzip"))[0] == 202
    gone: dict[str, Any] = {"deleted": True, "id": str(10 * number), "source": "crm"}
    assert (await client.post(encoded(gone)))[0] == 202
    assert (await client.post(encoded({"id": 1, "text": "без даты"})))[0] == 422
    assert (await client.post(encoded(*rows), token=f"wrong {number}"))[0] == 401
    signature = sign(SECRET.encode(), encoded(*rows), int(now.timestamp()))
    assert (await client.post(encoded(*rows), token=None, X_Molva_Signature=signature))[0] == 202
    async with wired(client) as wire:
        await wire.send(head(length=1000) + b"{")  # and hangs up


async def test_a_day_without_growth(
    time: ManualTime, publisher: MemoryPublisher, open_now: set[Connection], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "molva.agent")  # pytest keeps what is logged
    async with served(publisher, time=time, callers=(SIGNER,)) as client:

        async def push(hour: int) -> None:
            for number in range(ROUNDS):
                time.move(minutes=1)
                await a_round(client, time, hour * ROUNDS + number)

        await pushed_for_a_day(time, publisher, push, lambda: len(open_now))
    assert not caplog.records, "also who hangs up leaves no trace in the log"
