"""Agents as processes: builds one from the settings and runs it until it ends or is stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import web

from agents.base import DEFAULT_GRACE, BadConfiguration, Clock, Sleep, Source, Unavailable
from agents.checkpoints import Totals
from agents.cursor import CursorStore, FileCursors
from agents.feeds import read_feeds
from agents.http_ingest import AGENT as HTTP
from agents.http_ingest import Ingest, check_exposure
from agents.publisher import KafkaPublisher, Place, Publisher, connect
from agents.rss import RssSource
from agents.runner import Runner
from agents.source_health import SourceHealth
from agents.waiting import cancel, either
from agents.watermarks import LiveWatermarks
from pipeline.kafka import client_options
from pipeline.metrics import Metrics, serve
from pipeline.settings import Settings
from schemas import Watermark
from schemas.base import LIVE

RSS = "rss"
AGENTS = (HTTP, RSS)
"""Names for ``molva agent NAME``; files are read with ``molva replay``."""
TICK_SECONDS = 1.0
RETRY_SECONDS = 5.0


async def run_agent(
    name: str,
    settings: Settings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    sleep: Sleep = asyncio.sleep,
    metrics: Metrics | None = None,
    without_token: bool = False,
    started: Callable[[str], None] | None = None,
) -> None:
    """Run a live agent until ``stop`` is set.

    Args:
        name: one of `AGENTS`.
        without_token: the http agent may run without a bearer token, on a loopback address.
        started: called with a line for a person once the agent works.

    Raises:
        BadConfiguration: there is no such agent, its settings do not do, or its port is taken.
    """
    if name not in AGENTS:
        raise BadConfiguration(f"there is no agent {name!r}; there are {', '.join(AGENTS)}")
    token = settings.http_token.get_secret_value()
    if name == HTTP:
        check_exposure(settings.http_host, token, without_token=without_token)
    metrics = metrics or Metrics()
    source = _rss(settings, metrics, clock, sleep) if name == RSS else None
    if settings.metrics_port:
        serve(metrics, settings.metrics_host, settings.metrics_port)
    ready = metrics.worker_ready.labels(f"agent:{name}")
    ready.set(0)

    def say(line: str) -> None:
        ready.set(1)
        if started is not None:
            started(line)

    def count(error: Unavailable) -> None:
        metrics.agent_errors.labels(name, type(error).__name__).inc()

    async with AsyncExitStack() as stack:
        publisher = await _patiently(stack, settings, stop, count, sleep)
        if publisher is None:
            return
        rhythms = FileCursors(settings.data_dir / "rhythms")
        health = await asyncio.to_thread(partial(SourceHealth, name, metrics, rhythms, clock=clock))
        if source is None:
            ingest = Ingest(publisher, metrics, token=token, clock=clock, health=health)
            promise = partial(
                promise_live, publisher, metrics, health, clock=clock, sleep=sleep, grace=settings.live_grace
            )
            await _serve(ingest, promise, settings, stop, say)
        else:
            say(f"reading {len(source.feeds)} feeds of {settings.rss_feeds}")
            cursors = FileCursors(settings.data_dir / "cursors")
            runner = Runner(source, publisher, cursors, metrics, clock=clock, sleep=sleep, health=health)
            await runner.run(stop)


async def run_source(
    source: Source,
    settings: Settings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    cursors: CursorStore | None = None,
    metrics: Metrics | None = None,
    sleep: Sleep = asyncio.sleep,
    on_progress: Callable[[Totals], None] | None = None,
) -> tuple[Totals, dict[Place, int]]:
    """Run one source, e.g. a `ReplaySource`, to its end or until ``stop`` is set.

    Returns:
        What was confirmed, and the highest confirmed offset of each (topic, partition) written to.

    Raises:
        PublishFailed: no broker answers at the start.
        AgentError: the input is broken, or the cursor; what came before is confirmed.
    """
    cursors = cursors or FileCursors(settings.data_dir / "cursors")
    async with open_publisher(settings) as publisher:
        runner = Runner(
            source,
            publisher,
            cursors,
            metrics or Metrics(),
            clock=clock,
            sleep=sleep,
            on_progress=on_progress,
        )
        totals = await runner.run(stop)
        return totals, dict(publisher.offsets)


@asynccontextmanager
async def open_publisher(settings: Settings) -> AsyncIterator[KafkaPublisher]:
    """A publisher to the Kafka of the settings.

    Raises:
        PublishFailed: no broker answers.
    """
    options = client_options(settings) | {"client_id": "molva-agent"}
    async with connect(options, idempotent=settings.kafka_kind == "kafka") as publisher:
        yield publisher


async def _patiently(
    stack: AsyncExitStack,
    settings: Settings,
    stop: asyncio.Event,
    failed: Callable[[Unavailable], None],
    sleep: Sleep,
) -> KafkaPublisher | None:
    """A publisher as soon as a broker answers; None where ``stop`` is set before."""
    while not stop.is_set():
        try:
            return await stack.enter_async_context(open_publisher(settings))
        except Unavailable as error:
            failed(error)
            await either(sleep(RETRY_SECONDS), stop.wait())
    return None


async def _serve(
    ingest: Ingest,
    promise: Callable[[], Awaitable[None]],
    settings: Settings,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    runner = ingest.runner()
    await runner.setup()
    promising = asyncio.ensure_future(promise())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await _listen(runner, settings.http_host, settings.http_port)
        host, port = runner.addresses[0][:2]
        say(f"taking posts on http://{host}:{port}/v1/posts")
        await asyncio.wait((promising, stopping), return_when=asyncio.FIRST_COMPLETED)
        if promising.done():
            promising.result()
    finally:
        await cancel(promising, stopping)
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise BadConfiguration(
            f"cannot take posts on {host}:{port}: {os.strerror(error.errno or 0)}; "
            "choose another MOLVA_HTTP_PORT or MOLVA_HTTP_HOST"
        ) from error


async def promise_live(
    publisher: Publisher,
    metrics: Metrics,
    health: SourceHealth,
    *,
    clock: Clock,
    sleep: Sleep,
    agent: str = HTTP,
    grace: timedelta = DEFAULT_GRACE,
) -> None:
    """What a live agent without a runner does by the clock, until cancelled: watermarks, sources' health."""
    live = LiveWatermarks(clock, grace)
    owed = None
    while True:
        owed = live.due() or owed
        if owed is not None:
            try:
                watermark = Watermark(
                    timeline=LIVE, agent=agent, watermark=owed, partitions=await publisher.raw_partitions()
                )
                await publisher.confirm(await publisher.publish(watermark))
                owed = None
            except Unavailable as error:  # the next tick tries again
                metrics.agent_errors.labels(agent, type(error).__name__).inc()
        await health.tick()
        await sleep(TICK_SECONDS)


def _rss(settings: Settings, metrics: Metrics, clock: Clock, sleep: Sleep) -> RssSource:
    if settings.rss_feeds is None:
        raise BadConfiguration("the rss agent needs a list of feeds: set MOLVA_RSS_FEEDS")
    feeds = read_feeds(Path(settings.rss_feeds))
    return RssSource(feeds, metrics, clock=clock, sleep=sleep, grace=settings.live_grace)
