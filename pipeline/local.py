"""The whole pipeline on one machine: embedded broker and ClickHouse, every stage, the configured agents.

``molva up``, ``molva demo`` and the end-to-end tests run this; nothing below it knows that it is local.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError

from pipeline.drain import HOPS, NotDrained, drain
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.process import LOOPBACK
from pipeline.embedded.stack import EmbeddedStack
from pipeline.embedded.state import After, NotFollowed, StateKeeper
from pipeline.errors import MolvaError, UsageError
from pipeline.health import UP_FILE, is_ready, scrape, write_workers
from pipeline.health import read_workers as read_workers
from pipeline.kafka import KafkaAdmin
from pipeline.plan import Plan
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate
from pipeline.stages.journal import TOPIC as JOURNAL
from pipeline.supervisor import Supervisor
from pipeline.topics import ALERTS, SPIKES, TOPICS

READY_S = 120.0
STANDSTILL = timedelta(seconds=30)  # a crashed worker is back sooner, with its partitions
REVIVAL_S = 60.0  # ClickHouse is started again where it ends once in this time
CURSORS = "cursors"
UNFINISHED = "unfinished"  # this file stands in the data dir until everything has flowed out
POLL_S = 0.2
CHANGELOG = "molva-detection-state-changelog"  # behind the detection stage's Faust table
BROKER_MEMORY_LIMIT = 4 * 1024**3
"""The memory-only broker keeps all that was produced; at this size `molva up` says so and ends."""


class NotReady(MolvaError):
    """A worker did not become ready in time."""


class ServerDied(MolvaError):
    """The embedded broker or ClickHouse ended by itself."""


class BrokerFull(MolvaError):
    """The memory-only broker has reached its limit; everything in it still flows out."""


class Local:
    """A running local pipeline: a context manager that starts everything and stops it in order.

    ``settings`` are those of every process in it; ``say`` gets one line per thing worth telling.
    """

    def __init__(self, settings: Settings, plan: Plan, say: Callable[[str], None]) -> None:
        self._say = say
        self._plan = plan
        self._stack = EmbeddedStack(settings.data_dir)
        self._up_file = settings.data_dir / UP_FILE
        self._unfinished = settings.data_dir / UNFINISHED
        self.settings = settings
        self.supervisor: Supervisor
        self._keepers: list[StateKeeper] = []
        self._told: dict[str, int] = {}
        self._revived_at = -REVIVAL_S

    def __enter__(self) -> Self:
        self._stack.start()
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
        settings = self.settings = self._stack.info.settings(self.settings)
        self._forget_cursors_after_a_crash()
        self._say(f"Kafka-compatible broker on {settings.kafka_bootstrap} (in memory)")
        self._say(f"ClickHouse on {settings.clickhouse_host}:{settings.clickhouse_port}")
        with connect(settings, database="default") as client:
            if applied := migrate(client, settings.clickhouse_database):
                self._say("applied migrations " + ", ".join(applied))
        asyncio.run(_create_topics(settings))
        self._keepers = state_keepers(settings)
        for keeper in self._keepers:
            keeper.start()
        logs = settings.data_dir / "logs"
        self.supervisor = Supervisor(self._plan.specs(), settings.environment(), logs, time.monotonic)
        self.supervisor.start()
        self._write_up_file()

    def _forget_cursors_after_a_crash(self) -> None:
        """What was in the broker's memory is gone: agents read it again, storage knows what it has."""
        cursors = self.settings.data_dir / CURSORS
        if self._unfinished.exists() and cursors.exists():
            self._say("the last run did not end cleanly: agents read all again, nothing is stored twice")
            shutil.rmtree(cursors)
        self._unfinished.touch()

    def _finish(self) -> None:
        """Stop the agents and let everything flow out before the memory-only broker goes."""
        self.supervisor.stop_only(f"agent-{name}" for name in self._plan.agents)
        try:
            asyncio.run(self._drain())
        except (NotDrained, KafkaError) as error:
            self._say(f"stopped with records in flight: {error}")
        else:
            self._unfinished.unlink()

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
                if is_ready(scrape(LOOPBACK, spec.metrics_port)):
                    self._say(f"{name} is ready")
                    del waiting[name]
            if waiting and time.monotonic() > deadline:
                logs = ", ".join(f"{self.settings.data_dir}/logs/{name}.log" for name in waiting)
                raise NotReady(f"not ready after {seconds:.0f} s: {', '.join(waiting)}; see {logs}")
            time.sleep(POLL_S)

    def check(self) -> None:
        """Restart crashed workers and ClickHouse; call it now and then.

        ClickHouse comes back on its data while storage tries again; with the broker all records are gone.

        Raises:
            ServerDied: the broker ended, or ClickHouse did twice within a minute.
            BrokerFull: the broker's memory is at its limit.
            NotReady: a worker cannot start with these settings.
            NotFollowed: a state is no longer saved.
        """
        for death in self._stack.check():
            how = f"{death.name} ended with exit code {death.exit_code}"
            now = time.monotonic()
            if death.name != EmbeddedClickHouse.NAME or now - self._revived_at < REVIVAL_S:
                raise ServerDied(f"{how}:\n{death.log_tail}")
            self._revived_at = now
            self._say(f"{how}; starting it again")
            self._stack.restart_clickhouse()
        used = self._stack.broker_memory_bytes()
        if used > BROKER_MEMORY_LIMIT:
            raise BrokerFull(
                f"the memory-only broker holds {used / 1024**3:.1f} GiB, its limit: start `molva up` again "
                "(ClickHouse keeps its data), or use Apache Kafka for long service (docs/operations.md)"
            )
        for keeper in self._keepers:
            keeper.check()
        self._restart_workers()

    def _restart_workers(self) -> None:
        for crash in self.supervisor.poll():
            if crash.exit_code == UsageError.exit_code:
                raise NotReady(f"{crash.name} cannot start:\n{crash.tail}")
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

    async def _drain(self) -> None:
        async def wait(seconds: float) -> None:
            self._restart_workers()  # one that crashes now has records to finish, too
            await asyncio.sleep(seconds)

        async with KafkaAdmin(self.settings) as admin:
            await drain(admin, lambda: datetime.now(UTC), STANDSTILL, sleep=wait)

    def _stop(self) -> None:
        """Stop everything that was started, whatever goes wrong with a part of it."""
        with ExitStack() as parts:
            parts.callback(self._stack.stop)
            parts.callback(self._stop_keepers)
            if hasattr(self, "supervisor"):
                parts.callback(self.supervisor.stop)
            parts.callback(self._up_file.unlink, missing_ok=True)

    def _stop_keepers(self) -> None:
        for keeper in self._keepers:
            try:
                keeper.stop()
            except NotFollowed as error:
                self._unfinished.touch()  # so that agents read again what the saved detectors have not seen
                self._say(str(error))


def state_keepers(settings: Settings) -> list[StateKeeper]:
    """What keeps the states of detection and notification; neither file is ever ahead of ClickHouse."""
    folder, stored = settings.data_dir / "state", HOPS[-1].group
    one = settings.model_copy(update={"partitions": 1})
    return [
        StateKeeper(settings, CHANGELOG, folder / "detection.json.gz", After(stored, SPIKES)),
        StateKeeper(one, JOURNAL, folder / "notification.json.gz", After(stored, ALERTS)),
    ]


async def _create_topics(settings: Settings) -> None:
    async with KafkaAdmin(settings) as admin:
        await admin.ensure_topics(TOPICS)
