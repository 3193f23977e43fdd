"""The whole pipeline on one machine: embedded broker and ClickHouse, every stage, the configured agents.

``molva up``, ``molva demo`` and the end-to-end tests run this; nothing below it knows that it is local.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from pipeline.embedded.process import LOOPBACK
from pipeline.embedded.stack import BrokerKind, Death, EmbeddedStack
from pipeline.errors import MolvaError, UsageError
from pipeline.health import UP_FILE, probe, write_workers
from pipeline.health import read_workers as read_workers
from pipeline.kafka import KafkaAdmin, state_specs
from pipeline.memory_only import BrokerFull, MemoryOnly, move_to_kafka
from pipeline.plan import Plan
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from pipeline.sink.reprocessing import Reprocessing
from pipeline.supervisor import Supervisor
from pipeline.topics import TOPICS

READY_S = 120.0
REVIVAL_S = 60.0
"""A server that has its data on disk is started again where it ends once in this time."""
POLL_S = 0.2


class NotReady(MolvaError):
    """A worker did not become ready in time."""


class ServerDied(MolvaError):
    """The embedded broker or ClickHouse ended by itself."""


class Local:
    """A running local pipeline: a context manager that starts everything and stops it in order.

    ``settings`` are those of every process in it; ``say`` gets one line per thing worth telling. With the
    broker "kafka" records, offsets and states outlive a stop and a crash.
    """

    def __init__(
        self, settings: Settings, plan: Plan, say: Callable[[str], None], broker: BrokerKind = "tansu"
    ) -> None:
        self._say = say
        self._plan = plan
        width = settings.enriched_partitions or 1
        self._stack = EmbeddedStack(
            settings.data_dir, broker, kafka_libs=settings.kafka_libs, enriched_partitions=width
        )
        self._memory_only = MemoryOnly(settings.data_dir, say) if broker == "tansu" else None
        self._up_file = settings.data_dir / UP_FILE
        self.settings = settings.model_copy(update={"enriched_partitions": width})
        self.supervisor: Supervisor
        self._told: dict[str, int] = {}
        self._revived_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._stack.begin()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None or isinstance(error, BrokerFull):
                self._finish()
        finally:
            self._stop()

    def _start(self) -> None:
        """What is slowest to load starts as soon as the topics are there, the others when all servers are."""
        settings = self._stack.broker.settings(self.settings)
        what = "Apache Kafka" if self._memory_only is None else "Kafka-compatible broker (in memory)"
        self._say(f"{what} on {settings.kafka_bootstrap}")
        asyncio.run(_create_topics(settings))
        logs = settings.data_dir / "logs"
        self.supervisor = Supervisor(self._plan.specs(), settings.environment(), logs, time.monotonic)
        self.supervisor.start_only(self._plan.slowest())
        if self._memory_only is None:
            move_to_kafka(settings, self._say)
        else:
            self._memory_only.start(settings)
        self._stack.start()
        settings = self.settings = self._stack.info.settings(self.settings)
        self._say(f"ClickHouse on {settings.clickhouse_host}:{settings.clickhouse_port}")
        self._migrate(settings)
        self.supervisor.change(settings.environment())
        self.supervisor.start()
        self._write_up_file()

    def _migrate(self, settings: Settings) -> None:
        """Where an unfinished `molva reprocess` forbids it, storage waits: ending that needs the servers."""
        try:
            with connect(settings, database="default") as client:
                applied = migrate(client, settings.clickhouse_database)
        except Reprocessing as error:
            self._say(f"{error}; storage waits until then")
            return
        if applied:
            self._say("applied migrations " + ", ".join(applied))

    def _finish(self) -> None:
        """Stop the agents and let everything flow out before a memory-only broker goes."""
        if self._memory_only is not None:
            self.supervisor.stop_only(self._plan.collectors)
            self._memory_only.finish(self.settings, self._wait)

    def await_ready(self, stop: threading.Event | None = None, seconds: float = READY_S) -> None:
        """Wait until every worker has its partitions, or ``stop`` is set.

        Raises:
            NotReady: one has not after ``seconds``; the message names its log.
            ServerDied: a server ended meanwhile.
        """
        deadline = time.monotonic() + seconds
        waiting = {spec.name: spec for spec in self.supervisor.specs}
        while waiting and not (stop and stop.is_set()):
            self.check()
            for name, spec in list(waiting.items()):
                if probe(LOOPBACK, spec.metrics_port).ready:
                    self._say(f"{name} is ready")
                    del waiting[name]
            if waiting and time.monotonic() > deadline:
                logs = ", ".join(f"{self.settings.data_dir}/logs/{name}.log" for name in waiting)
                raise NotReady(f"not ready after {seconds:.0f} s: {', '.join(waiting)}; see {logs}")
            time.sleep(POLL_S)

    def check(self) -> None:
        """Restart crashed workers and servers; call it now and then.

        A server that has its data on disk comes back while the workers try again; with a memory-only broker
        all records are gone.

        Raises:
            ServerDied: the memory-only broker ended, or another server did twice within a minute.
            BrokerFull: the memory-only broker is at its limit.
            NotReady: a worker cannot start with these settings.
            NotFollowed: the detector's state is no longer saved.
        """
        for death in self._stack.check():
            self._revive(death)
        if self._memory_only is not None:
            self._memory_only.check(self._stack.broker_memory_bytes())
        self._restart_workers()

    def _revive(self, death: Death) -> None:
        how = f"{death.name} ended with exit code {death.exit_code}"
        now, is_broker = time.monotonic(), death.name == self._stack.broker.child.name
        forgot = is_broker and self._memory_only is not None
        if forgot or now - self._revived_at.get(death.name, -REVIVAL_S) < REVIVAL_S:
            raise ServerDied(f"{how}:\n{death.log_tail}")
        self._revived_at[death.name] = now
        self._say(f"{how}; starting it again")
        if is_broker:
            self._stack.restart_broker()
        else:
            self._stack.restart_clickhouse()

    def _restart_workers(self) -> None:
        for crash in self.supervisor.poll():
            if crash.exit_code == UsageError.exit_code:
                raise NotReady(f"{crash.name} cannot start:\n{crash.tail}")
            if crash.restart_in is None:
                why = crash.tail.rpartition("molva: ")[2]
                self._say(f"{crash.name} stays stopped: {why}")
                continue
            self._say(
                f"{crash.name} ended with exit code {crash.exit_code}, restarts in {crash.restart_in:.1f} s; "
                f"see {crash.log}"
            )
        if self.supervisor.pids() != self._told:
            self._write_up_file()

    def pids(self) -> list[int]:
        """The processes of the pipeline: servers and workers."""
        info = self._stack.info
        return [info.broker_pid, info.clickhouse_pid, *self.supervisor.pids().values()]

    def addresses(self) -> dict[str, Any]:
        """Where everything answers, for programs."""
        return {
            "data_dir": str(self.settings.data_dir),
            "kafka": self.settings.kafka_bootstrap,
            "clickhouse": f"{self.settings.clickhouse_host}:{self.settings.clickhouse_port}",
            "clickhouse_http": f"{self.settings.clickhouse_host}:{self.settings.clickhouse_http_port}",
            "workers": read_workers(self.settings.data_dir),
        }

    def _write_up_file(self) -> None:
        self._told = self.supervisor.pids()
        ports = {spec.name: spec.metrics_port for spec in self.supervisor.specs}
        write_workers(self.settings.data_dir, ports, self._told, self.settings.watchlist)

    async def _wait(self, seconds: float) -> None:
        self._restart_workers()  # one that crashes now has records to finish, too
        await asyncio.sleep(seconds)

    def _stop(self) -> None:
        """Stop everything that was started, whatever goes wrong with a part of it."""
        with ExitStack() as parts:
            parts.callback(self._stack.stop)
            if self._memory_only is not None:
                parts.callback(self._memory_only.stop)
            if hasattr(self, "supervisor"):
                parts.callback(self.supervisor.stop)
            parts.callback(self._up_file.unlink, missing_ok=True)


async def _create_topics(settings: Settings) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics([*TOPICS, *state_specs(settings)])
