"""How other processes find the embedded stack on a data directory: ``stack.json``, written by its owner.

`molva sql`, `status`, `replay` and every worker call `find_stack`; none of them loads the servers for it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from pipeline.embedded.lock import lock_owner
from pipeline.settings import Settings

FILE_NAME = "stack.json"
KAFKA_FOLDER = "kafka"
"""Of the data directory: what Apache Kafka keeps."""

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
    enriched_partitions: int = 1
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
                "enriched_partitions": self.enriched_partitions,
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
            "MOLVA_ENRICHED_PARTITIONS": str(self.enriched_partitions),
            "MOLVA_KAFKA_SECURITY": "PLAINTEXT",
            "MOLVA_CLICKHOUSE_HOST": self.clickhouse_host,
            "MOLVA_CLICKHOUSE_PORT": str(self.clickhouse_port),
            "MOLVA_CLICKHOUSE_HTTP_PORT": str(self.clickhouse_http_port),
            "MOLVA_CLICKHOUSE_USER": self.clickhouse_user,
            "MOLVA_CLICKHOUSE_PASSWORD": self.clickhouse_password.get_secret_value(),
            "MOLVA_CLICKHOUSE_SECURE": "false",
        }


def find_stack(data_dir: Path) -> StackInfo | None:
    """The stack that runs on the directory now, or None; a file left by a dead one does not count."""
    try:
        info = StackInfo.model_validate_json((data_dir / FILE_NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    return info if lock_owner(data_dir) == info.owner_pid else None
