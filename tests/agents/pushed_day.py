"""A simulated day of an endpoint to which others push: nothing grows without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from agents.manual_time import ManualTime
from tests.agents.day import HOURS, MIB, SETTLED, held, traced
from tests.agents.memory_publisher import MemoryPublisher


async def pushed_for_a_day(
    time: ManualTime,
    publisher: MemoryPublisher,
    push: Callable[[int], Awaitable[None]],
    connections: Callable[[], int],
    *,
    most: int = 2,
    growth: int = MIB,
) -> None:
    """Push for 24 hours of ``time`` and check what is held meanwhile; what is published is dropped hourly.

    Args:
        push: sends what comes in an hour, 1 to 24, and checks the answers.
        connections: how many the server has open.
        most: there are never more of them; clients keep theirs.
        growth: bytes by which the memory may grow from the 6th to the 24th hour, but for that of the tests.

    Raises:
        AssertionError: something grew.
    """
    memory: dict[int, int] = {}
    tasks: list[int] = []
    with traced():
        for hour in range(1, HOURS + 1):
            time.move(hours=1)
            await push(hour)
            assert connections() <= most, f"{connections()} connections in hour {hour}"
            publisher.sent.clear()
            tasks.append(len(asyncio.all_tasks()))
            if hour in (SETTLED, HOURS):
                memory[hour] = held()
    assert max(tasks[SETTLED:]) <= max(tasks[:SETTLED]) + 1, tasks
    assert memory[HOURS] - memory[SETTLED] <= growth, memory
