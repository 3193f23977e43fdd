"""Back-pressure from end to end: while a stage is too far behind, agents wait and the HTTP ingest says so.

Kafka would take everything, until its retention, its disk or the memory of the embedded broker ends; what had
been accepted by then would be lost unseen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from agents.base import Sleep
from agents.waiting import cancel
from pipeline.drain import HOPS
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.settings import Settings

LOOK_SECONDS = 2.0
RESUME_SHARE = 0.8
"""Agents go on when the backlog has fallen to this share of the limit."""

log = logging.getLogger("molva.agent")


class Backlog:
    """Whether there is room for more posts. `tell` it how many records wait, or let `following` do so."""

    def __init__(self, limit: int, metrics: Metrics | None, agent: str) -> None:
        """``limit``: records before one stage; 0: there is always room. ``metrics`` None: no gauge tells."""
        self._limit = limit
        self._held = None if metrics is None else metrics.agent_held_back.labels(agent)
        self._open = asyncio.Event()
        self._open.set()
        self._halves: list[Backlog] = []
        self._show(0)

    def half(self, agent: str) -> Backlog:
        """One that is full at half of this one's limit: for what must not use up the room of the rest."""
        self._halves.append(Backlog((self._limit + 1) // 2, None, agent))
        return self._halves[-1]

    @property
    def full(self) -> bool:
        """Whether agents should wait."""
        return not self._open.is_set()

    async def room(self) -> None:
        """Return as soon as there is room."""
        await self._open.wait()

    def tell(self, waiting: int) -> None:
        """So many records wait before the stage that is furthest behind."""
        for half in self._halves:
            half.tell(waiting)
        if not self.full and 0 < self._limit < waiting:
            log.warning("%d records wait for a stage, the limit is %d: holding back", waiting, self._limit)
            self._open.clear()
            self._show(1)
        elif self.full and waiting <= self._limit * RESUME_SHARE:
            log.info("%d records wait for a stage: going on", waiting)
            self._open.set()
            self._show(0)

    def _show(self, held: int) -> None:
        if self._held is not None:
            self._held.set(held)

    @asynccontextmanager
    async def following(
        self, look: Callable[[], Awaitable[int]], sleep: Sleep = asyncio.sleep
    ) -> AsyncIterator[None]:
        """Look every two seconds for as long as the block runs; where Kafka is silent, nothing changes."""
        if self._limit == 0:
            yield
            return
        watching = asyncio.ensure_future(self._watch(look, sleep))
        watching.add_done_callback(_tell_failure)
        try:
            yield
        finally:
            await cancel(watching)

    async def _watch(self, look: Callable[[], Awaitable[int]], sleep: Sleep) -> None:
        told = ""
        try:
            while True:
                try:
                    self.tell(await look())
                    told = ""
                except KafkaError as error:
                    if told != (told := repr(error)):
                        log.warning("Kafka does not tell how far the stages are: %s", told)
                await sleep(LOOK_SECONDS)
        finally:
            self.tell(0)  # nobody looks any more: nobody may wait


def _tell_failure(watching: asyncio.Future[None]) -> None:
    if not watching.cancelled() and (failure := watching.exception()) is not None:
        log.error("the backlog is no longer looked at", exc_info=failure)


async def furthest_behind(admin: KafkaAdmin) -> int:
    """Records before the consumer group that has the most of them.

    Raises:
        KafkaError: Kafka does not tell.
    """
    return max([sum((await admin.lag(group, topics)).values()) for group, topics in HOPS])


@asynccontextmanager
async def following_kafka(
    settings: Settings, metrics: Metrics, agent: str, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[Backlog]:
    """The backlog of the pipeline of the settings, followed for as long as the block runs.

    Raises:
        KafkaError: Kafka cannot be reached.
    """
    backlog = Backlog(settings.max_backlog, metrics, agent)
    async with KafkaAdmin(settings) as admin, backlog.following(lambda: furthest_behind(admin), sleep):
        yield backlog
