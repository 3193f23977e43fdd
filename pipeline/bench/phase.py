"""One phase of the benchmark: posts through the whole pipeline, at full speed or at a rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from agents.cursor import MemoryCursors
from agents.service import run_source
from pipeline.bench.held import Held, Line
from pipeline.bench.mix import Mix, MixSource
from pipeline.bench.usage import Meter, Usage
from pipeline.bench.visible import Stored, Visible, quantile_ms
from pipeline.drain import HOPS, drain, lag
from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.stack import find_stack
from pipeline.errors import MolvaError
from pipeline.kafka import KafkaAdmin
from pipeline.local import Local
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect

LOOK_S = 0.25
SAMPLE_S = 10.0
"""Between two samples of what the processes hold."""
CHECK_EVERY = 10
"""Looks between two checks of memory and of the processes."""
STANDSTILL = timedelta(seconds=60)


class Inexact(MolvaError):
    """Posts are missing in ClickHouse, or there twice."""


@dataclass(frozen=True)
class Phase:
    """What a phase measured. Times are wall-clock; CPU and memory are of all processes of a stage."""

    posts: int
    rate: float | None
    """Posts a second that were asked for; None: as fast as possible."""
    posts_per_s: float
    """From the first publication until everything, spikes included, was through."""
    p50_ms: float | None
    """From publication until ClickHouse shows the post. Not measured at full speed: it would be that of a
    growing queue, and asking ClickHouse takes of the machine."""
    p99_ms: float | None
    max_ms: float | None
    mentions: int
    spikes: int
    cpu_s_per_1000: dict[str, float]
    peak_mib: dict[str, float]
    held: dict[str, Line]
    """Of a paced phase: memory, descriptors, sockets, threads of every process; lags in records."""

    def as_json(self) -> dict[str, Any]:
        told = {name: value for name, value in vars(self).items() if value is not None}
        return told | {"held": {name: line._asdict() for name, line in self.held.items()}}


def processes(local: Local) -> dict[str, int]:
    """The process ids of the pipeline by name: servers and workers.

    Raises:
        EmbeddedError: the stack does not run.
    """
    stack = find_stack(local.settings.data_dir)
    if stack is None:
        raise EmbeddedError(f"the embedded stack on {local.settings.data_dir} does not run")
    return {"broker": stack.broker_pid, "clickhouse": stack.clickhouse_pid, **local.supervisor.pids()}


async def run_phase(
    local: Local,
    mix: Mix,
    posts: int,
    name: str,
    rate: float | None,
    say: Callable[[str], None],
) -> Phase:
    """Publish ``posts`` posts and wait until all is stored and judged.

    Raises:
        Inexact: ClickHouse does not hold every post exactly once.
        NotDrained: a stage stands still.
        ServerDied, NotReady: a server or a worker ended.
    """
    timeline, over = f"bench:{name}", asyncio.Event()
    source = MixSource(mix, posts, timeline, rate)
    meter = Meter(processes(local))
    held = Held(meter.processes)
    with connect(local.settings) as client:
        visible = Visible(client.execute, timeline, time.time)
        look = None if rate is None else visible.look
        watching = asyncio.create_task(_watch(local, look, meter, over))
        sampling = asyncio.create_task(_sample(local.settings, held, say))
        started = time.monotonic()
        try:
            await run_source(
                source, local.settings, clock=_now, stop=asyncio.Event(), cursors=MemoryCursors()
            )
            say(f"{name}: {posts} posts published in {time.monotonic() - started:.1f} s")
            await _end(sampling)
            async with KafkaAdmin(local.settings) as admin:
                await drain(admin, _now, STANDSTILL)
            seconds = time.monotonic() - started
            usage = meter.by_stage()  # what follows is not the pipeline's work
        finally:
            over.set()
            await watching
            await _end(sampling)
        stored = visible.stored()
        require_exact(stored, posts)
        waited = [] if rate is None else visible.seconds()
    return _phase(posts, rate, seconds, waited, stored, usage, held)


async def _watch(
    local: Local, look: Callable[[bool], None] | None, meter: Meter, over: asyncio.Event
) -> None:
    """See that the processes are well until it is ``over``; look at ClickHouse meanwhile, and once more."""
    number = 0
    while not over.is_set():
        if look is not None:
            await asyncio.to_thread(look, False)
        if (number := number + 1) % CHECK_EVERY == 0:
            await asyncio.to_thread(local.check)
            meter.look()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LOOK_S)
    if look is not None:
        await asyncio.to_thread(look, True)


async def _sample(settings: Settings, held: Held, say: Callable[[str], None]) -> None:
    """Sample what is held until cancelled; say the lags once a minute."""
    async with KafkaAdmin(settings) as admin:
        for number in count():
            lags = {hop.group: await lag(admin, hop) for hop in HOPS}
            held.sample(time.monotonic(), lags)
            if number % 6 == 5:
                say("lag in records: " + ", ".join(f"{group} {left}" for group, left in lags.items()))
            await asyncio.sleep(SAMPLE_S)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task that never ends; its own failure is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def require_exact(stored: Stored, posts: int) -> None:
    """See that every post is there once.

    Raises:
        Inexact: it is not so.
    """
    if stored.rows != posts or stored.posts != posts:
        raise Inexact(
            f"{posts} posts were published; ClickHouse holds {stored.posts} of them in {stored.rows} rows. "
            "Please report this with the logs of the data dir (--data-dir keeps it)"
        )


def _phase(
    posts: int,
    rate: float | None,
    seconds: float,
    waited: Any,
    stored: Stored,
    usage: dict[str, Usage],
    held: Held,
) -> Phase:
    return Phase(
        posts=posts,
        rate=rate,
        posts_per_s=round(posts / seconds, 1),
        p50_ms=quantile_ms(waited, 0.5),
        p99_ms=quantile_ms(waited, 0.99),
        max_ms=quantile_ms(waited, 1.0),
        mentions=stored.mentions,
        spikes=stored.spikes,
        cpu_s_per_1000={name: round(used.cpu_s / posts * 1000, 4) for name, used in usage.items()},
        peak_mib={name: round(used.peak_mib, 1) for name, used in usage.items()},
        held={} if rate is None else held.lines(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
