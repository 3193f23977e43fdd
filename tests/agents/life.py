"""One life of an agent of any kind, as a process that may be killed: ``python -m tests.agents.life FOLDER``.

Standard input has its options; each post that it publishes is a line of standard output, which stands for
Kafka here, and so is each cursor that it has saved. The runner, the source, the network and the cursors
(files in FOLDER) are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from agents.cursor import FileCursors
from agents.fleet.premises import Outside
from agents.kinds import load
from agents.options import Lookup
from agents.runner import Runner
from agents.web import Traffic
from pipeline.core.watchlist import Watchlist, WatchObject
from pipeline.kafka_batches import Delivery
from pipeline.metrics import Metrics
from schemas import DeadLetter, RawPost, Record
from tests.agents.memory_publisher import MemoryPublisher

SLOW_SECONDS = 0.002
"""What a post takes, so that there is a middle at which a life can end."""
HASTE = 50
"""So many times faster than usual does the runner save cursors."""


class Orders(NamedTuple):
    """What a life is told."""

    entry: Mapping[str, Any]
    """As in agents.yaml."""
    secrets: Mapping[str, str]
    hosts: Sequence[str]
    """``host:port`` of local servers."""
    named: str
    """What the watchlist looks for."""
    haste: float = 1.0
    """So many times faster than usual does time pass for the source, in all its lives,"""
    since: float = 0.0
    """from this moment on (Unix seconds)."""


def tell(what: str | None) -> None:
    """A line of JSON on standard output: a post's text, or None for a saved cursor; it is never lost."""
    os.write(sys.stdout.fileno(), json.dumps(what).encode() + b"\n")


class Piped(MemoryPublisher):
    """Tells of each post."""

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        if isinstance(record, RawPost | DeadLetter):
            told = record.text if isinstance(record, RawPost) else f"dead letter: {record.detail}"
            tell(told)
            await asyncio.sleep(SLOW_SECONDS)
        return await super().publish(record)


class Files(FileCursors):
    """Tells when a cursor was saved."""

    async def save(self, agent: str, cursor: str) -> None:
        await super().save(agent, cursor)
        tell(None)


async def live(orders: Orders, folder: Path) -> None:
    """Collect for ever."""
    options = load(orders.entry["kind"]).options.model_validate(
        orders.entry, context=Lookup(environment=orders.secrets)
    )
    told = {"id": "teplo", "kind": "brand", "name": orders.named, "aliases": [orders.named]}
    metrics = Metrics()

    since = datetime.fromtimestamp(orders.since, UTC)

    def clock() -> datetime:
        return since + (datetime.now(UTC) - since) * orders.haste

    outside = Outside(
        traffic=Traffic(metrics, clock=clock),
        metrics=metrics,
        clock=clock,
        sleep=lambda seconds: asyncio.sleep(seconds / orders.haste),
        jitter=lambda: 0.5,
        watchlist=Watchlist((WatchObject.model_validate(told),)),
        grace=timedelta(minutes=5),
        private=frozenset(orders.hosts),
    )
    async with outside.web(options, "live") as web:
        runner = Runner(
            outside.source(options, web, "live"),
            Piped(),
            Files(folder),
            metrics,
            clock=clock,
            sleep=lambda seconds: asyncio.sleep(seconds / HASTE),
        )
        await runner.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(live(Orders(*json.load(sys.stdin)), Path(sys.argv[1])))
