"""The HTTP ingest at work: it listens until it is stopped, and states watermarks by the clock."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from agents.backlog import Backlog
from agents.base import DEFAULT_GRACE, BadConfiguration, Clock, Sleep, Unavailable
from agents.http_ingest import AGENT as HTTP
from agents.http_ingest import Ingest
from agents.publisher import Publisher
from agents.source_health import SourceHealth
from agents.waiting import cancel
from agents.watermarks import LiveWatermarks
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from schemas import Watermark
from schemas.base import LIVE

TICK_SECONDS = 1.0


async def serve_ingest(
    ingest: Ingest,
    promise: Callable[[], Awaitable[None]],
    settings: Settings,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """Take posts until ``stop`` or until ``promise`` fails; ``say`` is told the address.

    Raises:
        BadConfiguration: the port is taken.
    """
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
    backlog: Backlog | None = None,
) -> None:
    """What a live agent without a runner does by the clock, until cancelled: watermarks, sources' health."""
    live = LiveWatermarks(clock, grace)
    owed = None
    while True:
        held = backlog is not None and backlog.full  # what is refused meanwhile comes later, dated now
        owed = owed if held else live.due() or owed
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
