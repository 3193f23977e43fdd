"""The HTTP ingest at work: it listens until it is stopped, knows its callers, and states watermarks."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from agents.backlog import Backlog
from agents.base import DEFAULT_GRACE, BadConfiguration, Clock, Sleep, Unavailable
from agents.http.access import Access
from agents.http.callers import Caller, CallersFile
from agents.http.ingest import AGENT as HTTP
from agents.http.ingest import Ingest
from agents.http.listening import listening
from agents.publisher import Publisher
from agents.source_health import SourceHealth
from agents.waiting import cancel
from agents.watermarks import LiveWatermarks
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from schemas import Watermark
from schemas.base import LIVE

TICK_SECONDS = 1.0
RENEW_SECONDS = 2.0

log = logging.getLogger("molva.agent")


async def serve_ingest(
    ingest: Ingest,
    beside: Sequence[Callable[[], Awaitable[None]]],
    settings: Settings,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """Take posts until ``stop``, or until one of ``beside``, which run meanwhile, fails.

    ``say`` is told the address.

    Raises:
        BadConfiguration: the port is taken.
    """
    tasks = [asyncio.ensure_future(each()) for each in beside]
    stopping = asyncio.ensure_future(stop.wait())
    try:
        async with opened(ingest, settings.http_host, settings.http_port) as (host, port):
            say(f"taking posts on http://{host}:{port}/v1/posts")
            await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        await cancel(*tasks, stopping)


@asynccontextmanager
async def opened(ingest: Ingest, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Listen for as long as the block runs.

    Returns:
        The address: the one asked for, or the port that was free.

    Raises:
        BadConfiguration: the port is taken.
    """
    setting = "MOLVA_HTTP_PORT or MOLVA_HTTP_HOST"
    async with listening(
        ingest.runner(), ingest.limits, host, port, to="take posts", setting=setting
    ) as address:
        yield address


def read_callers(settings: Settings) -> tuple[Caller, ...] | None:
    """The callers of MOLVA_HTTP_CALLERS, if it is set.

    Raises:
        BadConfiguration: every mistake of the file with its line.
    """
    return None if settings.http_callers is None else CallersFile(settings.http_callers, os.environ).read()


def known_callers(
    settings: Settings, metrics: Metrics, clock: Clock, sleep: Sleep
) -> tuple[Access, Callable[[], Awaitable[None]] | None]:
    """Who may post, and what keeps that as MOLVA_HTTP_CALLERS has it, where that is set.

    Raises:
        BadConfiguration: every mistake of the file with its line.
    """
    token = settings.http_token.get_secret_value()
    if settings.http_callers is None:
        return Access(token, metrics, clock=clock), None
    file = CallersFile(settings.http_callers, os.environ)
    access = Access(token, metrics, clock=clock, callers=file.read())
    return access, partial(keep_callers, access, file, metrics, sleep)


async def keep_callers(access: Access, file: CallersFile, metrics: Metrics, sleep: Sleep) -> None:
    """Read the file again when it changes, for ever; one with a mistake changes nothing, and is told."""
    metrics.http_callers_unread.set(0)
    while True:
        await sleep(RENEW_SECONDS)
        if not await asyncio.to_thread(file.changed):
            continue
        try:
            callers = await asyncio.to_thread(file.read)
        except BadConfiguration as error:
            metrics.http_callers_unread.set(1)
            log.error("who might post before still may: %s", error)
            continue
        access.renew(callers)
        metrics.http_callers_unread.set(0)
        log.info("%d callers may post", len(callers))


def check_exposure(host: str, token: str, *, callers: bool = False, without_token: bool) -> None:
    """Refuse to serve strangers.

    Raises:
        BadConfiguration: there is no token, and not the explicit wish for none on a loopback address.
    """
    if token or callers:
        return
    loopback = host == "localhost"
    if not loopback:
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
    if not (loopback and without_token):
        raise BadConfiguration(
            "the HTTP ingest needs a bearer token: set MOLVA_HTTP_TOKEN to a long random text, "
            "or MOLVA_HTTP_CALLERS to a file of who may post"
        )


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
