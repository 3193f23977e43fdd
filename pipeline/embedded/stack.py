"""The broker (in memory, or Apache Kafka) and ClickHouse on one data directory: one object that owns both.

`molva up`, `molva demo` and the tests hold an `EmbeddedStack`; how others find it: `stack_info`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.lock import DirectoryLock
from pipeline.embedded.stack_info import FILE_NAME
from pipeline.embedded.stack_info import BrokerKind as BrokerKind
from pipeline.embedded.stack_info import StackInfo as StackInfo
from pipeline.embedded.stack_info import find_stack as find_stack


@dataclass(frozen=True)
class Death:
    """A child that ended by itself; ``exit_code`` is 128 + signal where it was killed."""

    name: str
    exit_code: int
    log_tail: str


class EmbeddedStack:
    """Owns a data directory and the two servers on it, from ``start`` to ``stop``."""

    def __init__(
        self,
        data_dir: Path,
        broker: BrokerKind = "tansu",
        *,
        kafka_libs: Path | None = None,
        enriched_partitions: int = 1,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``kafka_libs``: see `EmbeddedKafka`; ``enriched_partitions``: told in ``stack.json``."""
        self.data_dir = data_dir
        self.broker: EmbeddedBroker | EmbeddedKafka = (
            EmbeddedKafka(data_dir, libs=kafka_libs) if broker == "kafka" else EmbeddedBroker(data_dir)
        )
        self.clickhouse = EmbeddedClickHouse(data_dir)
        self._enriched_partitions = enriched_partitions
        self._now = now
        self._nonce = secrets.token_hex(8)
        self._closing = ExitStack()
        self._info: StackInfo | None = None
        self._clickhouse_up: Future[None] | None = None

    def start(self) -> None:
        """`begin`, wait for ClickHouse, write ``stack.json``; on failure nothing is left running.

        Raises:
            DirectoryInUse: another stack runs on the directory; the message names its process.
            DirectoryUnusable: the directory cannot be made or written.
            StartFailed: a server does not come up.
            KafkaUnavailable: Apache Kafka is wanted and cannot run here.
        """
        if self._clickhouse_up is None:
            self.begin()
        assert self._clickhouse_up is not None
        try:
            self._clickhouse_up.result()
            self._publish(self._now())
        except BaseException:
            self.stop()
            raise

    def begin(self) -> None:
        """Lock the directory and start the broker, while ClickHouse, the slower one, starts beside it.

        Raises:
            As `start` does.
        """
        with ExitStack() as closing:
            closing.enter_context(DirectoryLock(self.data_dir))
            self._file.unlink(missing_ok=True)
            thread = ThreadPoolExecutor(1, thread_name_prefix="clickhouse-start")
            starting = thread.submit(self.clickhouse.start)
            thread.shutdown(wait=False)
            closing.callback(self._stop_clickhouse, starting)
            closing.enter_context(self.broker)
            closing.callback(self._file.unlink, missing_ok=True)
            self._closing, self._clickhouse_up = closing.pop_all(), starting

    def stop(self) -> None:
        """Stop the servers in order and give the directory back. Twice is once."""
        self._closing.close()
        self._info = self._clickhouse_up = None

    def _stop_clickhouse(self, starting: Future[None]) -> None:
        """Stop it where it has come up; `start` tells why it has not."""
        with suppress(EmbeddedError, OSError):
            starting.result()
        self.clickhouse.stop()

    @property
    def info(self) -> StackInfo:
        """What other processes find.

        Raises:
            EmbeddedError: the stack does not run.
        """
        if self._info is None:
            raise EmbeddedError(f"the embedded stack on {self.data_dir} does not run")
        return self._info

    def check(self) -> list[Death]:
        """The children that ended since they were started; empty while all is well."""
        deaths = []
        for child in (self.broker.child, self.clickhouse.child):
            code = child.exit_code()
            if code is not None:
                deaths.append(Death(child.name, code, child.log_tail()))
        return deaths

    def restart_broker(self) -> None:
        """Start the broker again on the same port, dead or alive.

        Apache Kafka has its data and cluster id as before, the other is empty (new cluster id, no topics).

        Raises:
            StartFailed: it does not come up.
        """
        self.broker.stop()
        self.broker.start()
        self._publish(self.info.started_at)

    def restart_clickhouse(self) -> None:
        """Start ClickHouse again on the same ports and data, with the same password: clients reconnect.

        Raises:
            StartFailed: it does not come up.
        """
        self.clickhouse.stop()
        self.clickhouse.start()
        self._publish(self.info.started_at)

    def broker_memory_bytes(self) -> int:
        """Resident memory of the broker; that of the one in memory only grows, until `restart_broker`.

        Raises:
            EmbeddedError: the broker does not run.
        """
        return self.broker.memory_bytes()

    @property
    def _file(self) -> Path:
        return self.data_dir / FILE_NAME

    def _publish(self, started_at: datetime) -> None:
        clickhouse = self.clickhouse
        self._info = StackInfo(
            owner_pid=os.getpid(),
            started_at=started_at,
            nonce=self._nonce,
            bootstrap=self.broker.bootstrap,
            kafka_kind="kafka" if isinstance(self.broker, EmbeddedKafka) else "embedded",
            enriched_partitions=self._enriched_partitions,
            cluster_id=self.broker.cluster_id,
            broker_pid=self.broker.pid,
            clickhouse_pid=clickhouse.pid,
            clickhouse_host=clickhouse.host,
            clickhouse_port=clickhouse.port,
            clickhouse_http_port=clickhouse.http_port,
            clickhouse_user=clickhouse.user,
            clickhouse_password=SecretStr(clickhouse.password),
        )
        draft = self._file.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(self._info.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(self._file)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
