"""The broker (in memory, or Apache Kafka) and ClickHouse on one data directory, and how others find them.

`molva up` and `molva demo` hold an `EmbeddedStack`; `molva sql`, `status` and `replay` call `find_stack`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.embedded.lock import DirectoryLock, lock_owner
from pipeline.settings import Settings

FILE_NAME = "stack.json"

BrokerKind = Literal["tansu", "kafka"]
"""tansu: in memory, from a wheel; kafka: Apache Kafka, with its data in the directory; it needs Java."""


class StackInfo(BaseModel):
    """What ``stack.json`` says about a running stack. The file is readable by its owner only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner_pid: int
    """The process that holds the stack."""
    started_at: datetime
    nonce: str
    bootstrap: str
    kafka_kind: Literal["kafka", "embedded"] = "embedded"
    cluster_id: str
    """This incarnation of the broker."""
    broker_pid: int
    clickhouse_pid: int
    clickhouse_host: str
    clickhouse_port: int
    clickhouse_http_port: int
    clickhouse_user: str
    clickhouse_password: SecretStr

    @field_serializer("clickhouse_password", when_used="json")
    def _reveal(self, password: SecretStr) -> str:
        return password.get_secret_value()

    def settings(self, base: Settings) -> Settings:
        """``base`` pointed at this stack."""
        return base.model_copy(
            update={
                "kafka_bootstrap": self.bootstrap,
                "kafka_kind": self.kafka_kind,
                "kafka_security": "PLAINTEXT",
                "clickhouse_host": self.clickhouse_host,
                "clickhouse_port": self.clickhouse_port,
                "clickhouse_http_port": self.clickhouse_http_port,
                "clickhouse_user": self.clickhouse_user,
                "clickhouse_password": self.clickhouse_password,
                "clickhouse_secure": False,
            }
        )

    def environment(self) -> dict[str, str]:
        """The same as environment variables, for worker processes."""
        return {
            "MOLVA_KAFKA_BOOTSTRAP": self.bootstrap,
            "MOLVA_KAFKA_KIND": self.kafka_kind,
            "MOLVA_KAFKA_SECURITY": "PLAINTEXT",
            "MOLVA_CLICKHOUSE_HOST": self.clickhouse_host,
            "MOLVA_CLICKHOUSE_PORT": str(self.clickhouse_port),
            "MOLVA_CLICKHOUSE_HTTP_PORT": str(self.clickhouse_http_port),
            "MOLVA_CLICKHOUSE_USER": self.clickhouse_user,
            "MOLVA_CLICKHOUSE_PASSWORD": self.clickhouse_password.get_secret_value(),
            "MOLVA_CLICKHOUSE_SECURE": "false",
        }


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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``kafka_libs``: see `EmbeddedKafka`."""
        self.data_dir = data_dir
        self.broker: EmbeddedBroker | EmbeddedKafka = (
            EmbeddedKafka(data_dir, libs=kafka_libs) if broker == "kafka" else EmbeddedBroker(data_dir)
        )
        self.clickhouse = EmbeddedClickHouse(data_dir)
        self._now = now
        self._nonce = secrets.token_hex(8)
        self._closing = ExitStack()
        self._info: StackInfo | None = None

    def start(self) -> None:
        """Lock the directory, start both servers, write ``stack.json``; on failure nothing is left running.

        Raises:
            DirectoryInUse: another stack runs on the directory; the message names its process.
            DirectoryUnusable: the directory cannot be made or written.
            StartFailed: a server does not come up.
            KafkaUnavailable: Apache Kafka is wanted and cannot run here.
        """
        with ExitStack() as closing:
            closing.enter_context(DirectoryLock(self.data_dir))
            self._file.unlink(missing_ok=True)
            closing.enter_context(self.clickhouse)
            closing.enter_context(self.broker)
            closing.callback(self._file.unlink, missing_ok=True)
            self._publish(self._now())
            self._closing = closing.pop_all()

    def stop(self) -> None:
        """Stop the servers in order and give the directory back. Twice is once."""
        self._closing.close()
        self._info = None

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


def find_stack(data_dir: Path) -> StackInfo | None:
    """The stack that runs on the directory now, or None; a file left by a dead one does not count."""
    try:
        info = StackInfo.model_validate_json((data_dir / FILE_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    return info if lock_owner(data_dir) == info.owner_pid else None
