"""The entry point of a stage: builds what the stage needs from the settings and runs it until stopped.

One process is one stage instance; a process manager (``molva up``, Docker, Kubernetes) starts as many as it
likes and restarts what ends. Exit code 0: asked to stop; other: the stage crashed or stalled.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal, NoReturn

import faust
import uvloop
from aiokafka import TopicPartition

from pipeline import faust_corrections, logs
from pipeline.app import build_app
from pipeline.condition import KAFKA, PARTITIONS, WATCHDOG, Condition
from pipeline.endpoint import serve
from pipeline.errors import DeadLetterStorm, Unavailable, UsageError
from pipeline.kafka import KafkaAdmin, topic_spec
from pipeline.kafka_link import link_trouble
from pipeline.leaving import STOP_SECONDS, leave_within
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.storm import hold, storm_behind
from pipeline.topics import TOPICS
from pipeline.tracing import Tracing, open_tracing
from pipeline.watchdog import Position, Watchdog

Stage = Literal["enrichment", "detection", "storage", "notification"]
STAGES: tuple[Stage, ...] = ("enrichment", "detection", "storage", "notification")
PLAIN: tuple[Stage, ...] = ("storage", "notification")
"""Stages with a consumer of their own; the others run on Faust."""
WATCH_SECONDS = 2.0
OWN_TOPICS = ("-changelog", "__assignor-__leader")
"""How the names of Faust's own topics end."""
LEAVE_SECONDS = 20.0
"""How long a stalled worker may take to stop in order before it is ended."""


class Stalled(RuntimeError):
    """Assigned partitions are not read though records wait in them."""


def utc_now() -> datetime:
    """The clock of the process."""
    return datetime.now(UTC)


def run(stage: Stage, settings: Settings) -> NoReturn:
    """Run a stage in this process until SIGTERM or SIGINT.

    Raises:
        SystemExit: in the end; see the module's docstring.
        MolvaError, KafkaError: it cannot start; the message says why.
        DeadLetterStorm: the stage has stopped because it gave up too many records.
    """
    logs.configure(settings, os.environ)
    tracing = open_tracing(settings, stage)
    metrics, condition = Metrics(), Condition()
    metrics.worker_ready.labels(stage).set(0)
    condition.need(PARTITIONS, KAFKA)
    if settings.metrics_port:
        serve(metrics, condition, settings.metrics_host, settings.metrics_port)
    asyncio.run(require_topics(settings))
    try:
        if stage in PLAIN:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_plain(stage, settings, metrics, condition, tracing))
        else:
            _run_faust(stage, settings, metrics, condition, tracing)
    except (DeadLetterStorm, SystemExit) as ending:
        if (storm := storm_behind(ending)) is None:
            raise
        metrics.worker_ready.labels(stage).set(0)
        asyncio.run(hold(storm, condition, settings.dead_letter_hold))
        raise storm from None
    finally:
        tracing.close()
    raise SystemExit(0)


async def require_topics(settings: Settings) -> None:
    """See that the topics are there, as wide as the settings say, before a consumer has a broker make them.

    Raises:
        Unavailable: one is missing.
        UsageError: one has another number of partitions; the state table would not fit its source.
        KafkaError: Kafka cannot be reached.
    """
    async with KafkaAdmin(settings) as admin:
        existing = await admin.topics()
    if missing := [topic.name for topic in TOPICS if topic.name not in existing]:
        raise Unavailable(f"topics are missing: {', '.join(missing)}: run `molva topics --create`")
    for topic in TOPICS:
        if existing[topic.name] != (wanted := topic_spec(topic, settings).partitions):
            raise UsageError(
                f"topic {topic.name} has {existing[topic.name]} partitions, the settings want {wanted}: "
                "set MOLVA_PARTITIONS to what the topics have"
            )


async def _plain(
    stage: Stage, settings: Settings, metrics: Metrics, condition: Condition, tracing: Tracing
) -> None:
    stop = asyncio.Event()

    def end() -> None:
        leave_within(STOP_SECONDS)
        stop.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, end)
    with condition.beating():
        await import_module(f"pipeline.wiring.{stage}").run(
            settings, metrics, utc_now, stop, condition=condition, tracing=tracing
        )


def _run_faust(
    stage: Stage, settings: Settings, metrics: Metrics, condition: Condition, tracing: Tracing
) -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

    async def exact_ends(partitions: list[Any]) -> dict[Any, int]:
        async with KafkaAdmin(settings) as admin:
            ends = await admin.end_offsets(sorted({place.topic for place in partitions}))
        return {place: ends[TopicPartition(place.topic, place.partition)] for place in partitions}

    faust_corrections.apply(exact_ends if settings.kafka_kind == "embedded" else None)
    app = build_app(settings, stage)
    app.conf.datadir.mkdir(parents=True, exist_ok=True)
    import_module(f"pipeline.wiring.{stage}").bind(app, settings, metrics, utc_now, tracing=tracing)
    app.task(condition.beat)
    app.task(_watch(app, stage, metrics, condition))
    worker = _Worker(app, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.spinner = None  # it writes to the terminal, also where that is a log
    worker.execute_from_commandline()


class _Worker(faust.Worker):  # type: ignore[misc]
    """Faust's worker, which waits for ever for brokers that do not answer."""

    def _schedule_shutdown(self, signal: Any) -> None:
        leave_within(STOP_SECONDS)
        super()._schedule_shutdown(signal)


def _watch(app: Any, stage: Stage, metrics: Metrics, condition: Condition) -> Any:
    """Export the lag and the condition, and end a worker that has stopped reading."""

    async def watch() -> None:
        watchdog = Watchdog()
        while not app.should_stop:
            await asyncio.sleep(WATCH_SECONDS)
            places = _assigned(app)
            positions = _positions(app, places or [])
            ready = places is not None and len(positions) == len(places)
            metrics.worker_ready.labels(stage).set(1 if ready else 0)
            _tell(condition, app, places, positions)
            for place, at in positions.items():
                lag = metrics.consumer_lag.labels(stage, place.topic, place.partition)
                committed = app.consumer._committed_offset[place]
                lag.set(max(0, at.end - (committed or 0)))
            work = (app.monitor.events_total, app.consumer._n_acked)
            stalled = watchdog.stalled(positions, utc_now(), work)
            if stalled:
                condition.fatal(WATCHDOG, f"records wait unread in {stalled}")
                leave_within(LEAVE_SECONDS, os.EX_SOFTWARE)
                await app.crash(Stalled(f"records wait unread in {stalled}"))

    return watch


def _tell(condition: Condition, app: Any, places: list[Any] | None, positions: dict[Any, Position]) -> None:
    if places is None:
        condition.unwell(PARTITIONS, "a rebalance or the recovery of the state runs")
    elif missing := sorted(f"{place.topic}:{place.partition}" for place in places if place not in positions):
        condition.unwell(PARTITIONS, f"not read yet: {', '.join(missing)}")
    else:
        condition.well(PARTITIONS)
    consumer = app.consumer._thread._consumer
    condition.trouble(KAFKA, "consumer", "not connected yet" if consumer is None else link_trouble(consumer))


def _assigned(app: Any) -> list[Any] | None:
    """The source partitions of this worker; None while it has not joined, or a rebalance or recovery runs.

    A worker more than there are partitions has none, and is well: it stands in when another ends.
    """
    consumer = app.consumer
    if app.rebalancing or not consumer.flow_active or app._assignment is None:
        return None
    return [place for place in consumer.assignment() if not place.topic.endswith(OWN_TOPICS)]


def _positions(app: Any, places: Iterable[Any]) -> dict[Any, Position]:
    """Read positions of partitions; without those whose end the broker has not told yet."""
    consumer = app.consumer
    positions = {}
    for place in places:
        end, read = consumer.highwater(place), consumer._read_offset[place]
        if end is not None:
            positions[place] = Position(0 if read is None else read + 1, end)
    return positions
