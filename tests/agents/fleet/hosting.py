"""Everything around a hosted agent, in memory: for the tests of `agents.fleet.hosted`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agents.backlog import Backlog
from agents.cursor import MemoryCursors
from agents.fleet.cursor_rows import STATE, Rows, put
from agents.fleet.hosted import HostedAgent
from agents.fleet.lease import Lease
from agents.fleet.premises import Outside, Premises
from agents.fleet.vitals import Report
from agents.kinds import Loaded
from agents.manual_time import JumpingTime
from agents.options import AgentOptions
from agents.web import Traffic
from pipeline.metrics import Metrics
from tests.agents.fleet.counting import load
from tests.agents.memory_publisher import MemoryPublisher

DEADLINE_SECONDS = 20


class House:
    """One owner; `host` an agent in it."""

    def __init__(self, rows: Rows | None = None) -> None:
        self.rows: Rows = {} if rows is None else rows
        self.written: list[tuple[str, bytes | None]] = []
        self.time = JumpingTime()
        self.metrics = Metrics()
        self.publisher = MemoryPublisher(2)
        self.files = MemoryCursors()
        self.lease = Lease(10**9, lambda: 0.0)
        self.lease.proved(0.0)
        self.past_backlog = Backlog(10, None, "back-fill")
        self._changed = asyncio.Condition()

    async def write(self, key: str, value: bytes | None) -> None:
        async with self._changed:
            self.written.append((key, value))
            put(self.rows, key, value)
            self._changed.notify_all()

    def premises(self, load: Callable[[str], Loaded] = load) -> Premises:
        outside = Outside(
            traffic=Traffic(self.metrics, clock=self.time.clock, sleep=self.time.sleep),
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=None,
            grace=self.time.clock() - self.time.clock(),
            load=load,
        )
        backlog = Backlog(0, self.metrics, "fleet")
        return Premises(
            outside=outside,
            publisher=self.publisher,
            backlog=backlog,
            past_backlog=self.past_backlog,
            files=self.files,
            owner="here:1",
        )

    def host(self, options: AgentOptions, load: Callable[[str], Loaded] = load) -> HostedAgent:
        premises = self.premises(load)
        hosted = HostedAgent(options, premises, self.rows, self.write, self.lease)
        hosted.start()
        return hosted

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; looked at whenever a row is written."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            await self._changed.wait_for(holds)

    def reports(self, agent: str) -> list[Report]:
        """All reports of an agent, oldest first."""
        return [
            Report.model_validate_json(value)
            for key, value in self.written
            if key == f"{agent}{STATE}" and value is not None
        ]

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)
