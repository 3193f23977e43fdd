"""The demo itself: the whole local pipeline, the bundled story replayed through it, watched while it flows.

Everything is measured where it ends: posts and latency in ClickHouse, spikes on their topic.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.checkpoints import Totals
from agents.cursor import MemoryCursors
from agents.replay.source import ReplaySource
from agents.service import run_source
from pipeline.core.watchlist import Watchlist
from pipeline.demo.expectations import check
from pipeline.demo.report import DemoReport
from pipeline.demo.view import DemoSnapshot, DemoView, NewPost, ObjectCounts
from pipeline.drain import drain
from pipeline.embedded.process import resident_bytes
from pipeline.kafka import KafkaAdmin, client_options
from pipeline.local import Local
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, SinkError
from pipeline.sink.clickhouse import connect as connect_clickhouse
from pipeline.topics import SPIKES
from schemas import Spike
from schemas.codec import decode

STORY = Path(str(files("pipeline.demo") / "story.jsonl.gz"))
WATCHLIST = Path(str(files("pipeline.demo") / "watchlist.yaml"))
STORY_SPAN = timedelta(days=8)
LOOK_S = 0.5
STANDSTILL = timedelta(seconds=60)
TIMELINE = f"replay:{STORY.name}"

_COUNTS = """
SELECT (SELECT count() FROM posts), (SELECT count() FROM mentions),
       (SELECT max(created_at) FROM posts)
"""
_OBJECTS = """
SELECT object_id, countIf(label = 'negative'), count() FROM mentions
WHERE created_at > (SELECT max(created_at) FROM mentions) - INTERVAL 1 HOUR GROUP BY object_id
"""
_NEWEST = """
SELECT created_at, source, author_name, text, label FROM posts
WHERE notEmpty(objects) ORDER BY created_at DESC LIMIT 6
"""
_LATENCY = """
SELECT quantiles(0.5, 0.99)(dateDiff('millisecond', collected_at, stored_at) / 1000),
       count(), uniqExact(id) FROM posts
"""


@dataclass
class Demo:
    """One run over a local pipeline that is ready."""

    local: Local
    watchlist: Watchlist
    view: DemoView
    seconds: float
    """How long the replay is to take."""
    spikes: dict[str, Spike] = field(default_factory=dict)
    """The newest event of each spike."""
    opened: list[Spike] = field(default_factory=list)
    _published: Totals = field(default_factory=Totals)
    _heard: int = 0
    _hearing: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, stop: asyncio.Event) -> DemoReport | None:
        """Replay the story, watch it, and report; None where ``stop`` was set before the end."""
        settings = self.local.settings
        started = time.monotonic()
        async with AsyncExitStack() as closing:
            clients = Clients(lambda: connect_clickhouse(settings))
            closing.callback(clients.close)
            listening = asyncio.create_task(self._listen(settings))
            closing.push_async_callback(_end, listening)
            source = ReplaySource(
                STORY, clock=_now, speed=STORY_SPAN.total_seconds() / self.seconds, timeline=TIMELINE
            )
            over = asyncio.Event()
            watching = asyncio.create_task(self._watch(clients, source, started, over))
            closing.push_async_callback(_await, watching)
            closing.callback(over.set)
            await self._replay(settings, source, stop)
            if stop.is_set():
                return None
            async with KafkaAdmin(settings) as admin:
                await drain(admin, _now, STANDSTILL)
                await self._hear_all(admin)
            elapsed = time.monotonic() - started
            return await asyncio.to_thread(self._report, clients, source.rows or 0, elapsed)

    async def _replay(self, settings: Settings, source: ReplaySource, stop: asyncio.Event) -> None:
        self._published, _ = await run_source(
            source, settings, clock=_now, stop=stop, cursors=MemoryCursors(), on_progress=self._note_progress
        )

    def _note_progress(self, totals: Totals) -> None:
        self._published = totals

    async def _listen(self, settings: Settings) -> None:
        """Consume ``molva.spikes`` as any downstream service would."""
        consumer = AIOKafkaConsumer(SPIKES, **client_options(settings), auto_offset_reset="earliest")
        await consumer.start()
        try:
            async for record in consumer:
                spike = decode(Spike, record.value)
                if spike.status == "opened":
                    self.opened.append(spike)
                self.spikes[spike.id] = spike
                self.view.announce(spike)
                async with self._hearing:
                    self._heard = record.offset + 1
                    self._hearing.notify_all()
        finally:
            await consumer.stop()

    async def _hear_all(self, admin: KafkaAdmin) -> None:
        end = (await admin.end_offsets([SPIKES]))[TopicPartition(SPIKES, 0)]
        async with asyncio.timeout(STANDSTILL.total_seconds()), self._hearing:
            await self._hearing.wait_for(lambda: self._heard >= end)

    async def _watch(
        self, clients: Clients, source: ReplaySource, started: float, over: asyncio.Event
    ) -> None:
        """Look at ClickHouse twice a second and show what is there, until it is ``over``."""
        seen: list[tuple[float, int]] = []
        while not over.is_set():
            await asyncio.to_thread(self.local.check)
            with suppress(SinkError):  # a look that fails is made again; the report at the end is not
                snapshot = await asyncio.to_thread(self._look, clients, source, started, seen)
                self.view.update(snapshot)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), LOOK_S)

    def _look(
        self, clients: Clients, source: ReplaySource, started: float, seen: list[tuple[float, int]]
    ) -> DemoSnapshot:
        with clients.client() as client:
            posts, mentions, newest = client.execute(_COUNTS)[0]
            objects = {row[0]: row[1:] for row in client.execute(_OBJECTS)}
            rows = client.execute(_NEWEST)
        elapsed = time.monotonic() - started
        seen.append((elapsed, posts))
        del seen[:-10]
        span = elapsed - seen[0][0]
        return DemoSnapshot(
            elapsed=elapsed,
            posts_expected=source.rows or 0,
            stages={"published": self._published.posts, "mentions": mentions, "stored": posts},
            posts_per_second=(posts - seen[0][1]) / span if span else 0.0,
            event_time=newest if posts else None,
            objects=tuple(
                ObjectCounts(watched.id, watched.name, *objects.get(watched.id, (0, 0)))
                for watched in self.watchlist.objects
            ),
            open_spikes=tuple(spike for spike in self.spikes.values() if spike.status != "resolved"),
            posts=tuple(NewPost(*row) for row in rows),
        )

    def _report(self, clients: Clients, rows: int, elapsed: float) -> DemoReport:
        with clients.client() as client:
            (p50, p99), stored, unique = client.execute(_LATENCY)[0]
            dead = client.execute("SELECT count() FROM dead_letters")[0][0]
        return DemoReport(
            posts=unique,
            seconds=elapsed,
            latency_p50=p50,
            latency_p99=p99,
            lost=rows - unique - dead,
            duplicated=stored - unique,
            dead_letters=dead,
            findings=tuple(check(self.spikes.values())),
            memory_mib=_memory_mib(self.local.pids()),
        )


def _memory_mib(pids: Iterable[int]) -> float:
    return sum(resident_bytes(pid) for pid in pids) / 1024**2


def _now() -> datetime:
    return datetime.now(UTC)


async def _await(task: asyncio.Task[Any]) -> None:
    await task


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task that never ends by itself; the error of one that did is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
