"""One process of a fleet (`molva agents run`): runs the agents of agents.yaml whose partitions it owns."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from aiokafka.errors import KafkaError

from agents.backlog import following_kafka
from agents.base import Clock, Sleep, Unavailable
from agents.cursor import FileCursors
from agents.fleet.cursor_rows import FORGET, REQUEST, Rows, Write, agent_of, partition_of, put
from agents.fleet.hosted import HostedAgent
from agents.fleet.lease import Lease
from agents.fleet.ownership import SESSION_SECONDS, Ownership, new_consumer
from agents.fleet.premises import Outside, Premises
from agents.fleet.row_writer import row_writer
from agents.kafka_session import link_told, patiently
from agents.kinds import Loaded, load
from agents.options import AgentOptions
from agents.waiting import either
from agents.web import Traffic
from pipeline.condition import KAFKA, PARTITIONS, Condition
from pipeline.core.watchlist import Watchlist
from pipeline.endpoint import serving
from pipeline.kafka import AGENT_CURSORS_SPEC, KafkaAdmin
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.tracing import open_tracing

FLEET = "fleet"
"""What metrics call what is of no single agent."""
PAST = "back-fill"
EMBEDDED_SESSION_SECONDS = 6.0
"""The embedded broker lets a JoinGroup wait for half the session time-out."""
RETRY_SECONDS = 5.0

log = logging.getLogger("molva.agents")


class Fleet:
    """`agents.fleet.ownership.Tenant`: the agents of this process, by partition."""

    def __init__(self, agents: Sequence[AgentOptions], premises: Premises, write: Write) -> None:
        """``write`` sets a row of the topic; what an agent writes goes through its lease besides."""
        self._agents: dict[int, list[AgentOptions]] = defaultdict(list)
        for options in agents:
            self._agents[partition_of(options.agent)].append(options)
        self._premises = premises
        self._write = write
        self._owned: dict[int, tuple[Rows, Lease]] = {}
        self._running: dict[int, dict[str, HostedAgent]] = {}

    async def begin(self, partition: int, rows: Rows, lease: Lease) -> None:
        self._owned[partition] = rows, lease
        self._running[partition] = {}
        for key in [key for key in rows if key.endswith(FORGET)]:
            await self._forget(partition, agent_of(key))
        for options in self._agents[partition]:
            self._start(partition, options)

    async def told(self, partition: int, key: str, value: bytes | None) -> None:
        agent = agent_of(key)
        if REQUEST in key:  # the others are written here, and newer than what is heard of them
            put(self._owned[partition][0], key, value)
        hosted = self._running[partition].get(agent)
        if key.endswith(FORGET) and value is not None:
            if hosted is not None:
                await hosted.stop(orderly=True)
            await self._forget(partition, agent)
            for options in self._agents[partition]:
                if options.agent == agent:
                    self._start(partition, options)
        elif hosted is not None:
            await hosted.told(key, value)

    def halt(self, partition: int) -> None:
        for hosted in self._running[partition].values():
            hosted.halt()

    async def end(self, partition: int, *, orderly: bool) -> None:
        del self._owned[partition]
        running = self._running.pop(partition)
        ends = (hosted.stop(orderly=orderly) for hosted in running.values())
        for agent, outcome in zip(running, await asyncio.gather(*ends, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                log.error("%s did not end well", agent, exc_info=outcome)

    def _start(self, partition: int, options: AgentOptions) -> None:
        rows, lease = self._owned[partition]
        hosted = HostedAgent(options, self._premises, rows, partial(self._leased, rows, lease), lease)
        self._running[partition][options.agent] = hosted
        hosted.start()
        log.info("%s runs here now", options.agent)

    async def _forget(self, partition: int, agent: str) -> None:
        """Delete all rows of an agent; of the request last, so that half of it is done again."""
        rows, lease = self._owned[partition]
        request = f"{agent}{FORGET}"
        keys = [key for key in rows if agent_of(key) == agent and key != request]
        for key in [*keys, request]:
            await self._leased(rows, lease, key, None)
        log.info("%s begins at the beginning: it was asked to forget", agent)

    async def _leased(self, rows: Rows, lease: Lease, key: str, value: bytes | None) -> None:
        """Write a row while the lease is held."""
        lease.require()
        await self._write(key, value)
        put(rows, key, value)


async def run_fleet(
    agents: Sequence[AgentOptions],
    settings: Settings,
    watchlist: Watchlist | None,
    *,
    clock: Clock,
    stop: asyncio.Event,
    sleep: Sleep = asyncio.sleep,
    metrics: Metrics | None = None,
    started: Callable[[str], None] | None = None,
    load: Callable[[str], Loaded] = load,
) -> None:
    """Run what the group gives to this process until ``stop`` is set; Kafka is waited for.

    Args:
        agents: all agents of the installation, whoever runs them.
        started: told a line for a person once this process has Kafka.
        load: where kinds come from.

    Raises:
        Forbidden: an agent is configured for a host that is none.
        OSError: the metrics port is taken.
    """
    metrics, condition = metrics or Metrics(), Condition()
    condition.need(PARTITIONS, KAFKA)
    outside = outside_of(settings, watchlist, metrics, clock, sleep, load)
    for options in agents:
        outside.reach(options)
    metrics.agents_configured.set(len(agents))
    async with AsyncExitStack() as stack:
        if settings.metrics_port:
            stack.enter_context(serving(metrics, condition, settings.metrics_host, settings.metrics_port))
        stack.enter_context(condition.beating())
        while not stop.is_set():
            try:
                await _session(agents, settings, outside, condition, stop, started)
            except (KafkaError, Unavailable) as error:
                log.warning("Kafka is away, trying again: %r", error)
                metrics.agent_errors.labels(FLEET, type(error).__name__).inc()
                condition.unwell(KAFKA, str(error))
                await either(sleep(RETRY_SECONDS), stop.wait())


async def _session(
    agents: Sequence[AgentOptions],
    settings: Settings,
    outside: Outside,
    condition: Condition,
    stop: asyncio.Event,
    started: Callable[[str], None] | None,
) -> None:
    """From the first connection to Kafka to the end, or to a failure of it that the clients do not mend."""
    metrics, sleep = outside.metrics, outside.sleep

    def count(error: Unavailable) -> None:
        metrics.agent_errors.labels(FLEET, type(error).__name__).inc()
        condition.unwell(KAFKA, str(error))

    async with AsyncExitStack() as stack:
        tracing = open_tracing(settings, "agents")
        stack.callback(tracing.close)
        publisher = await patiently(stack, settings, tracing, stop, count, sleep)
        if publisher is None:
            return
        stack.enter_context(link_told(publisher, condition))
        async with KafkaAdmin(settings) as admin:
            await admin.ensure_topics([AGENT_CURSORS_SPEC])
        backlog = await stack.enter_async_context(following_kafka(settings, metrics, FLEET, sleep))
        write = await stack.enter_async_context(row_writer(settings))
        premises = Premises(
            outside=outside,
            publisher=publisher,
            backlog=backlog,
            past_backlog=backlog.half(PAST),
            files=FileCursors(settings.data_dir / "cursors"),
            owner=f"{socket.gethostname()}:{os.getpid()}",
        )
        seconds = EMBEDDED_SESSION_SECONDS if settings.kafka_kind == "embedded" else SESSION_SECONDS
        consumer = new_consumer(settings, seconds)
        stack.push_async_callback(consumer.stop)
        await consumer.start()
        if started is not None:
            started(f"one of the fleet for {len(agents)} agents of {settings.agents}")
        fleet = Fleet(agents, premises, write)
        await Ownership(consumer, fleet, condition, session_seconds=seconds, sleep=sleep).run(stop)


def outside_of(
    settings: Settings,
    watchlist: Watchlist | None,
    metrics: Metrics,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
    load: Callable[[str], Loaded] = load,
) -> Outside:
    """What the sources of this process may use of the world."""
    return Outside(
        traffic=Traffic(metrics, clock=clock, sleep=sleep, jitter=random.random),
        metrics=metrics,
        clock=clock,
        sleep=sleep,
        jitter=random.random,
        watchlist=watchlist,
        grace=settings.live_grace,
        load=load,
        private=frozenset(settings.private_hosts),
    )
