"""Runs one source: reads, publishes, waits for Kafka's confirmation, and only then advances the cursor.

Posts are published ahead while earlier ones are being confirmed. Every few hundred posts, and at every
tick, what was published so far becomes a checkpoint; confirmed checkpoints move the cursor, then state
their watermark. So a watermark follows all posts that it speaks of, and a crash repeats posts (their ids
are deterministic) but loses none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

from agents.backlog import Backlog
from agents.base import Clock, Refused, Sleep, Source, SourceUnavailable, Unavailable, agent_kind
from agents.checkpoints import Checkpoint, Checkpoints, Totals
from agents.cursor import CursorStore
from agents.outlet import Outlet
from agents.publisher import Publisher, abandon
from agents.source_health import SourceHealth
from agents.waiting import cancel, either
from agents.watermarks import LiveWatermarks
from pipeline.metrics import Metrics
from schemas import Watermark

TICK_SECONDS = 0.25
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
STOP_SECONDS = 4.0
"""How long a stop waits for confirmations; without them the cursor stays, and posts are repeated."""

log = logging.getLogger("molva.agent")


class Runner:
    """One source on its way to Kafka; `run` may be called once."""

    def __init__(
        self,
        source: Source,
        publisher: Publisher,
        cursors: CursorStore,
        metrics: Metrics,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        on_progress: Callable[[Totals], None] | None = None,
        health: SourceHealth | None = None,
        backlog: Backlog | None = None,
        label: str | None = None,
        forget: bool = True,
        on_failure: Callable[[Unavailable], None] | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare to run ``source``.

        Args:
            jitter: a number from 0 to 1, spreads the pauses after failures.
            on_progress: told the totals after each confirmed checkpoint.
            label: what metrics call the agent; default: its kind, as a replay has a name per file.
            forget: at the end of the source its cursor is forgotten, the next run begins at the beginning.
            on_failure: told why the source will be tried again.
            ready: waited for after a failure, before the source is opened again.
        """
        self._source = source
        self._publisher = publisher
        self._cursors = cursors
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._on_progress = on_progress
        self._health = health
        self._backlog = backlog
        self._label = label or agent_kind(source.name)
        self._forget = forget
        self._on_failure = on_failure
        self._ready = ready
        self._outlet = Outlet(publisher, metrics, source, clock, health)
        self._totals = Totals()
        self._failures = 0
        self._start: str | None = None
        """Where the present session began."""

    async def run(self, stop: asyncio.Event) -> Totals:
        """Run until the source ends, or ``stop`` is set and Kafka has confirmed what was published.

        Raises:
            AgentError: a failure that waiting does not cure; the cursor stands behind what was confirmed.
        """
        while not stop.is_set():
            try:
                ended = await self._session(stop)
            except Unavailable as error:
                self._metrics.agent_errors.labels(self._label, type(error).__name__).inc()
                log.warning("%s: %s", self._source.name, error)
                if self._on_failure is not None:
                    self._on_failure(error)
                await either(self._pause(error), stop.wait())
            else:
                if ended and self._forget:
                    await self._cursors.clear(self._source.name)
                if ended:
                    break
        return self._totals

    async def _pause(self, error: Unavailable) -> None:
        await self._sleep(self._backoff(error))
        if self._ready is not None:
            await self._ready()

    def _backoff(self, error: Unavailable) -> float:
        """Seconds to wait: doubled from failure to failure, spread so that agents do not return together.

        Where the source says when to come again, not less than that.
        """
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0**self._failures)
        self._failures += 1
        asked = error.retry_after if isinstance(error, Refused) else None
        return max(float(longest * (0.5 + self._jitter() / 2)), asked.total_seconds() if asked else 0.0)

    async def _session(self, stop: asyncio.Event) -> bool:
        """From the saved cursor on; True where the source has ended, False where it was stopped.

        Raises:
            SourceUnavailable: also where a live source has ended, or something in it cancelled itself.
        """
        cursor = self._start = await asyncio.to_thread(self._cursors.load, self._source.name)
        live = None if self._source.grace is None else LiveWatermarks(self._clock, self._source.grace)
        checkpoints = Checkpoints(live, self._clock)
        reading = asyncio.ensure_future(self._read(cursor, checkpoints))
        ticking = asyncio.ensure_future(self._tick(checkpoints))
        confirming = asyncio.ensure_future(self._confirm(checkpoints))
        stopping = asyncio.ensure_future(stop.wait())
        tasks = (reading, ticking, confirming, stopping)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await cancel(stopping, ticking, reading)
            patience = (self._sleep(STOP_SECONDS),) if stop.is_set() else ()
            await either(_drain(checkpoints, confirming), asyncio.wait((confirming,)), *patience)
            if any(task.cancelled() for task in (*done, confirming)):
                raise SourceUnavailable("something in it was cancelled, by nobody outside")
            if confirming.done():
                confirming.result()
            return _finished(ticking, reading, endless=live is not None)
        finally:
            await cancel(*tasks)
            abandon(checkpoints.unconfirmed())

    async def _read(self, cursor: str | None, checkpoints: Checkpoints) -> None:
        async with aclosing(self._source.posts(cursor)) as items:  # type: ignore[type-var]
            async for item in items:
                if self._backlog is not None:
                    await self._backlog.room()
                deliveries = await self._outlet.publish(item)
                if checkpoints.add(item, deliveries):
                    await checkpoints.seal()

    async def _tick(self, checkpoints: Checkpoints) -> None:
        while True:
            await self._sleep(TICK_SECONDS)
            # a post that is held back must not come after the watermark of a later moment
            await checkpoints.seal(tick=self._backlog is None or not self._backlog.full)
            if self._health is not None:
                await self._health.tick()

    async def _confirm(self, checkpoints: Checkpoints) -> None:
        while (checkpoint := await checkpoints.next()) is not None:
            await self._publisher.confirm(checkpoint.deliveries)
            if checkpoint.cursor is not None:
                await self._cursors.save(self._source.name, checkpoint.cursor)
            for tell in checkpoint.confirmed:
                tell()
            if checkpoint.watermark is not None:
                await self._promise(checkpoint.watermark, checkpoint.final)
            self._account(checkpoint)

    async def _promise(self, moment: datetime, final: bool) -> None:
        await self._publisher.confirm(
            await self._publisher.publish(
                Watermark(
                    timeline=self._source.timeline,
                    agent=self._source.name,
                    watermark=moment,
                    final=final,
                    partitions=await self._publisher.raw_partitions(),
                )
            )
        )

    def _account(self, checkpoint: Checkpoint) -> None:
        if self._moved(checkpoint):
            self._failures = 0
        if checkpoint.deletions:
            self._metrics.agent_deletions.labels(self._label).inc(checkpoint.deletions)
        if checkpoint.posts:
            self._metrics.agent_posts.labels(self._label).inc(checkpoint.posts)
            self._metrics.agent_last_post.labels(self._label).set(self._clock().timestamp())
        self._totals = self._totals.plus(checkpoint)
        if self._on_progress is not None:
            self._on_progress(self._totals)

    def _moved(self, checkpoint: Checkpoint) -> bool:
        """Whether the source has come further; one that states watermarks does so before it asks anybody."""
        return (
            bool(checkpoint.deliveries)
            or checkpoint.cursor not in (None, self._start)
            or self._source.grace is not None
        )


async def _drain(checkpoints: Checkpoints, confirming: asyncio.Future[None]) -> None:
    """Let everything that was published be confirmed."""
    await checkpoints.close()
    await asyncio.wait((confirming,))


def _finished(ticking: asyncio.Future[None], reading: asyncio.Future[None], *, endless: bool) -> bool:
    """Whether the reader came to the end; an error of the two is raised."""
    for task in (ticking, reading):
        if not task.cancelled():
            task.result()
    if endless and not reading.cancelled():
        raise SourceUnavailable("it has ended, which a live source does not")
    return not reading.cancelled()
