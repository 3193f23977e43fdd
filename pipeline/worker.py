"""The entry point of a stage: builds what the stage needs from the settings and runs it until stopped.

One process is one stage instance; a process manager (``molva up``, Docker, Kubernetes) starts as many as it
likes and restarts what ends. Exit code 0: asked to stop; other: the stage crashed or stalled.
"""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from importlib import import_module
from typing import Literal, NoReturn

import uvloop

from pipeline import logs
from pipeline.condition import KAFKA, PARTITIONS, Condition
from pipeline.endpoint import serve
from pipeline.errors import DeadLetterStorm, Unavailable, UsageError
from pipeline.garbage import settle
from pipeline.kafka import KafkaAdmin, topic_spec, width_setting
from pipeline.leaving import STOP_SECONDS, leave_within
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.storm import hold, storm_behind
from pipeline.topics import TOPICS
from pipeline.tracing import Tracing, open_tracing

Stage = Literal["enrichment", "detection", "storage", "notification"]
STAGES: tuple[Stage, ...] = ("enrichment", "detection", "storage", "notification")
PLAIN: tuple[Stage, ...] = ("storage", "notification")
"""Stages with a consumer of their own; the others run on Faust."""


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
            settle()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_plain(stage, settings, metrics, condition, tracing))
        else:
            from pipeline import faust_worker  # heavy: the other stages have a consumer of their own

            bind = import_module(f"pipeline.wiring.{stage}").bind
            faust_worker.run(bind, stage, settings, metrics, condition, utc_now, tracing)
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
                f"set {width_setting(topic.name)} to what the topic has"
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
