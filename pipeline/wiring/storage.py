"""The storage stage with its producer of dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from pipeline.condition import Condition
from pipeline.emission import outgoing
from pipeline.metrics import Metrics
from pipeline.producer import Producer
from pipeline.settings import Settings
from pipeline.stages import storage
from pipeline.topics import DEAD_LETTERS
from pipeline.tracing import Tracing
from schemas import DeadLetter


async def run(
    settings: Settings,
    metrics: Metrics,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    condition: Condition,
    tracing: Tracing,
) -> None:
    """Write everything to ClickHouse until ``stop``."""
    async with Producer(settings) as producer:

        async def emit_dead_letter(letter: DeadLetter) -> None:
            await producer.emit([outgoing(DEAD_LETTERS, letter)])

        await storage.run(
            settings,
            metrics,
            stop,
            emit_dead_letter=emit_dead_letter,
            now=clock,
            condition=condition,
            tracing=tracing,
        )
