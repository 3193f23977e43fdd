"""The entry point of a stage: builds what the stage needs from the settings and runs it until stopped.

One process is one stage instance; a process manager (``molva up``, Docker, Kubernetes) starts as many as it
likes and restarts what ends. Exit code 0: asked to stop; other: the stage crashed or stalled.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal, NoReturn

import faust
import uvloop
from aiokafka import TopicPartition

from pipeline import faust_corrections
from pipeline.app import build_app
from pipeline.kafka import KafkaAdmin
from pipeline.metrics import Metrics, serve
from pipeline.settings import Settings
from pipeline.watchdog import Position, Watchdog

Stage = Literal["enrichment", "detection", "storage"]
STAGES: tuple[Stage, ...] = ("enrichment", "detection", "storage")
WATCH_SECONDS = 2.0

log = logging.getLogger("molva.worker")


class Stalled(RuntimeError):
    """Assigned partitions are not read though records wait in them."""


def utc_now() -> datetime:
    """The clock of the process."""
    return datetime.now(UTC)


def run(stage: Stage, settings: Settings) -> NoReturn:
    """Run a stage in this process until SIGTERM or SIGINT.

    Raises:
        SystemExit: always; see the module's docstring.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    metrics = Metrics()
    metrics.worker_ready.labels(stage).set(0)
    if settings.metrics_port:
        serve(metrics, settings.metrics_host, settings.metrics_port)
    if stage == "storage":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_storage(settings, metrics))
        raise SystemExit(0)
    _run_faust(stage, settings, metrics)


async def _storage(settings: Settings, metrics: Metrics) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await import_module("pipeline.wiring.storage").run(settings, metrics, utc_now, stop)


def _run_faust(stage: Stage, settings: Settings, metrics: Metrics) -> NoReturn:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

    async def exact_ends(partitions: list[Any]) -> dict[Any, int]:
        async with KafkaAdmin(settings) as admin:
            ends = await admin.end_offsets(sorted({place.topic for place in partitions}))
        return {place: ends[TopicPartition(place.topic, place.partition)] for place in partitions}

    faust_corrections.apply(exact_ends if settings.kafka_kind == "embedded" else None)
    app = build_app(settings, stage)
    app.conf.datadir.mkdir(parents=True, exist_ok=True)
    import_module(f"pipeline.wiring.{stage}").bind(app, settings, metrics, utc_now)
    app.task(_watch(app, stage, metrics))
    worker = faust.Worker(app, loglevel=settings.log_level, logfile=None, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()
    raise SystemExit(0)


def _watch(app: Any, stage: Stage, metrics: Metrics) -> Any:
    """Export the lag and end a worker that has stopped reading."""

    async def watch() -> None:
        watchdog = Watchdog()
        while not app.should_stop:
            await asyncio.sleep(WATCH_SECONDS)
            positions = _positions(app)
            metrics.worker_ready.labels(stage).set(1 if positions else 0)
            for place, at in positions.items():
                lag = metrics.consumer_lag.labels(stage, place.topic, place.partition)
                committed = app.consumer._committed_offset[place]
                lag.set(max(0, at.end - (committed or 0)))
            stalled = watchdog.stalled(positions, utc_now())
            if stalled:
                await app.crash(Stalled(f"records wait unread in {stalled}"))

    return watch


def _positions(app: Any) -> dict[Any, Position]:
    """Read positions of the assigned source partitions; empty while a rebalance or recovery runs."""
    consumer = app.consumer
    if app.rebalancing or not consumer.flow_active:
        return {}
    positions = {}
    for place in consumer.assignment():
        end = consumer.highwater(place)
        if place.topic.endswith("-changelog") or place.topic.endswith("__assignor-__leader") or end is None:
            continue
        read = consumer._read_offset[place]
        positions[place] = Position(0 if read is None else read + 1, end)
    return positions
