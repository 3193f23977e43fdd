"""A stage on Faust: runs its application, tells its condition, and ends it when it has stopped reading.

Apart from `pipeline.worker`, so that stages with a consumer of their own do not load Faust.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

import faust
import uvloop
from aiokafka import TopicPartition

from pipeline import faust_corrections
from pipeline.app import build_app
from pipeline.condition import KAFKA, MODELS, PARTITIONS, WATCHDOG, Condition
from pipeline.garbage import settle
from pipeline.kafka import KafkaAdmin
from pipeline.kafka_link import link_trouble
from pipeline.leaving import STOP_SECONDS, leave_within
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.storm import storm_behind
from pipeline.tracing import Tracing
from pipeline.watchdog import Position, Watchdog

WATCH_SECONDS = 2.0
STARTING_SECONDS = 0.2
"""Between looks until the worker is ready for the first time."""
OWN_TOPICS = ("-changelog", "__assignor-__leader")
"""How the names of Faust's own topics end."""
LEAVE_SECONDS = 20.0
"""How long a stalled or crashed worker may take to stop in order before it is ended."""

log = logging.getLogger("molva.worker")


class Stalled(RuntimeError):
    """Assigned partitions are not read though records wait in them."""


class Bind(Protocol):
    """Adds a stage's agents and tables to an application; `pipeline.wiring` has them.

    Returns:
        What is still being loaded, in a thread, while the worker joins its group; None: nothing.
    """

    def __call__(
        self,
        app: Any,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], datetime],
        *,
        tracing: Tracing,
    ) -> Future[Any] | None: ...


def run(
    bind: Bind,
    stage: str,
    settings: Settings,
    metrics: Metrics,
    condition: Condition,
    clock: Callable[[], datetime],
    tracing: Tracing,
) -> None:
    """Run a stage until SIGTERM or SIGINT.

    Raises:
        SystemExit: in the end; code 0: it was asked to.
        MolvaError: what the stage needs cannot be loaded.
    """
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

    async def exact_ends(partitions: list[Any]) -> dict[Any, int]:
        async with KafkaAdmin(settings) as admin:
            ends = await admin.end_offsets(sorted({place.topic for place in partitions}))
        return {place: ends[TopicPartition(place.topic, place.partition)] for place in partitions}

    faust_corrections.apply(exact_ends if settings.kafka_kind == "embedded" else None)
    app = build_app(settings, stage)
    app.conf.datadir.mkdir(parents=True, exist_ok=True)
    loading = bind(app, settings, metrics, clock, tracing=tracing)
    if loading is not None:
        condition.need(MODELS)
    app.task(condition.beat)
    app.task(_watch(app, stage, metrics, condition, clock, loading))
    worker = _Worker(app, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.spinner = None  # it writes to the terminal, also where that is a log
    if loading is None:
        settle()  # else once what is loading is there
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if loading is not None and loading.done() and (error := loading.exception()) is not None:
            raise error from None  # it says what to do; that Faust ended with it does not
        raise


class _Worker(faust.Worker):  # type: ignore[misc]
    """Faust's worker, which waits for ever for brokers that do not answer."""

    def _schedule_shutdown(self, signal: Any) -> None:
        leave_within(STOP_SECONDS)
        super()._schedule_shutdown(signal)

    def on_worker_shutdown(self) -> None:
        """See that a crashed worker ends: the thread of a consumer that never connected never does.

        A storm of dead letters is no such case: `pipeline.worker` holds the process on purpose.
        """
        reasons = [each._crash_reason for each in (self, self.app) if each._crash_reason is not None]
        if reasons and not any(storm_behind(reason) for reason in reasons):
            leave_within(LEAVE_SECONDS, os.EX_SOFTWARE)


def _watch(
    app: Any,
    stage: str,
    metrics: Metrics,
    condition: Condition,
    clock: Callable[[], datetime],
    loading: Future[Any] | None,
) -> Any:
    """Export the lag and the condition, and end a worker that has stopped reading."""

    async def watch() -> None:
        watchdog, pause = Watchdog(), STARTING_SECONDS
        while not app.should_stop:
            await asyncio.sleep(pause)
            places = _assigned(app)
            positions = _positions(app, places or [])
            loaded = loading is None or loading.done()
            ready = loaded and places is not None and len(positions) == len(places)
            metrics.worker_ready.labels(stage).set(1 if ready else 0)
            _tell(condition, app, places, positions)
            if loading is not None and loaded:
                condition.well(MODELS)
            pause = WATCH_SECONDS if ready else pause
            for place, at in positions.items():
                lag = metrics.consumer_lag.labels(stage, place.topic, place.partition)
                committed = app.consumer._committed_offset[place]
                lag.set(max(0, at.end - (committed or 0)))
            work = (app.monitor.events_total, app.consumer._n_acked)
            stalled = watchdog.stalled(positions if loaded else {}, clock(), work)
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
