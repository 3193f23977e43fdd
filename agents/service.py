"""Agents as processes: builds one from the settings and runs it until it ends or is stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agents.backlog import Backlog, following_kafka
from agents.base import BadConfiguration, Clock, Sleep, Source, Unavailable, agent_kind
from agents.checkpoints import Totals
from agents.cursor import CursorStore, FileCursors
from agents.http.ingest import AGENT as HTTP
from agents.http.ingest import Ingest
from agents.http.service import check_exposure, known_callers, promise_live, read_callers, serve_ingest
from agents.kafka_session import link_told, open_publisher, patiently
from agents.publisher import KafkaPublisher
from agents.rss.feeds import LIMIT, read_feeds
from agents.runner import Runner
from agents.source_health import SourceHealth
from agents.web import Reach, Traffic, Web
from pipeline.condition import KAFKA, Condition
from pipeline.endpoint import serving
from pipeline.kafka_batches import Place
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.tracing import open_tracing

if TYPE_CHECKING:
    from agents.rss.source import RssSource

RSS = "rss"
AGENTS = (HTTP, RSS)
"""Names for ``molva agent NAME``; files are read with ``molva replay``."""
SOURCES = "source"
"""What an agent is ready for once it listens or reads."""


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
    if name == HTTP:
        token = settings.http_token.get_secret_value()
        known = settings.http_callers is not None
        check_exposure(settings.http_host, token, callers=known, without_token=without_token)
        read_callers(settings)
    metrics = metrics or Metrics()
    source = _rss(settings, metrics, clock, sleep) if name == RSS else None
    ready, condition = metrics.worker_ready.labels(f"agent:{name}"), Condition()
    ready.set(0)
    condition.need(SOURCES, KAFKA)

    def say(line: str) -> None:
        ready.set(1)
        condition.well(SOURCES)
        if started is not None:
            started(line)

    async with AsyncExitStack() as stack:
        if source is not None:
            stack.push_async_callback(source.web.close)
        session = await _begin(stack, name, settings, clock, sleep, metrics, condition, stop)
        if session is not None and source is None:
            await _run_http(session, settings, stop, say)
        elif session is not None and source is not None:
            await _run_rss(session, source, settings, stop, say)


class _Session(NamedTuple):
    """What a live agent works with once Kafka answers."""

    publisher: KafkaPublisher
    backlog: Backlog
    health: SourceHealth
    metrics: Metrics
    clock: Clock
    sleep: Sleep


async def _begin(
    stack: AsyncExitStack,
    name: str,
    settings: Settings,
    clock: Clock,
    sleep: Sleep,
    metrics: Metrics,
    condition: Condition,
    stop: asyncio.Event,
) -> _Session | None:
    """Answer on the metrics port and wait for Kafka; None: stopped before it answered."""

    def count(error: Unavailable) -> None:
        metrics.agent_errors.labels(name, type(error).__name__).inc()
        condition.unwell(KAFKA, str(error))

    if settings.metrics_port:
        stack.enter_context(serving(metrics, condition, settings.metrics_host, settings.metrics_port))
    stack.enter_context(condition.beating())
    tracing = open_tracing(settings, f"agent-{name}")
    stack.callback(tracing.close)
    publisher = await patiently(stack, settings, tracing, stop, count, sleep)
    if publisher is None:
        return None
    stack.enter_context(link_told(publisher, condition))
    backlog = await stack.enter_async_context(following_kafka(settings, metrics, name, sleep))
    rhythms = FileCursors(settings.data_dir / "rhythms")
    health = await asyncio.to_thread(partial(SourceHealth, name, metrics, rhythms, clock=clock))
    return _Session(publisher, backlog, health, metrics, clock, sleep)


async def _run_http(
    session: _Session, settings: Settings, stop: asyncio.Event, say: Callable[[str], None]
) -> None:
    access, keeping = known_callers(settings, session.metrics, session.clock, session.sleep)
    ingest = Ingest(
        session.publisher,
        session.metrics,
        access=access,
        clock=session.clock,
        health=session.health,
        backlog=session.backlog,
    )
    promise = partial(
        promise_live,
        session.publisher,
        session.metrics,
        session.health,
        clock=session.clock,
        sleep=session.sleep,
        grace=settings.live_grace,
        backlog=session.backlog,
    )
    await serve_ingest(ingest, (promise, *([keeping] if keeping else ())), settings, stop, say)


async def _run_rss(
    session: _Session,
    source: RssSource,
    settings: Settings,
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    say(f"reading {len(source.feeds)} feeds of {settings.rss_feeds}")
    runner = Runner(
        source,
        session.publisher,
        FileCursors(settings.data_dir / "cursors"),
        session.metrics,
        clock=session.clock,
        sleep=session.sleep,
        health=session.health,
        backlog=session.backlog,
    )
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
    cursors, metrics = cursors or FileCursors(settings.data_dir / "cursors"), metrics or Metrics()
    async with AsyncExitStack() as stack:
        tracing = open_tracing(settings, "replay")
        stack.callback(tracing.close)
        publisher = await stack.enter_async_context(open_publisher(settings, tracing))
        kind = agent_kind(source.name)
        backlog = await stack.enter_async_context(following_kafka(settings, metrics, kind, sleep))
        runner = Runner(
            source,
            publisher,
            cursors,
            metrics,
            clock=clock,
            sleep=sleep,
            on_progress=on_progress,
            backlog=backlog,
        )
        totals = await runner.run(stop)
        return totals, dict(publisher.offsets)


def _rss(settings: Settings, metrics: Metrics, clock: Clock, sleep: Sleep) -> RssSource:
    if settings.rss_feeds is None:
        raise BadConfiguration("the rss agent needs a list of feeds: set MOLVA_RSS_FEEDS")
    from agents.rss.source import RssSource  # heavy: the other agents read no feeds

    feeds = read_feeds(Path(settings.rss_feeds), os.environ)
    named = (place for feed in feeds for place in feed.hosts())
    web = Web(
        RSS,
        Reach.of(*named, redirects="public", private=settings.private_hosts),
        Traffic(metrics, clock=clock, sleep=sleep),
        limit=LIMIT,
    )
    return RssSource(feeds, metrics, clock=clock, sleep=sleep, grace=settings.live_grace, web=web)
