"""Every setting of Molva, read from the environment (prefix ``MOLVA_``) by the entry points only."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _seconds(value: object) -> object:
    """``0.5`` as well as ``PT0.5S``."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Seconds = Annotated[timedelta, BeforeValidator(_seconds)]
"""A duration: seconds, or ISO 8601."""


class Settings(BaseSettings):
    """One process's view of the world; ``docs/settings.md`` is made from these descriptions."""

    model_config = SettingsConfigDict(
        env_prefix="MOLVA_", frozen=True, extra="ignore", secrets_dir=None, env_ignore_empty=True
    )

    data_dir: Path = Field(default=Path(".molva"), description="where the embedded stack and cursors live")
    watchlist: Path | None = Field(default=None, description="what is watched")

    kafka_bootstrap: str = Field(default="127.0.0.1:9092", description="host:port, comma-separated")
    kafka_kind: Literal["kafka", "embedded"] = Field(
        default="kafka", description="embedded: the in-memory broker of `molva up`, with its limits"
    )
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="security protocol of the brokers"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="with SASL_ protocols"
    )
    kafka_username: str = Field(default="", description="with SASL_ protocols")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="with SASL_ protocols")
    kafka_ca_file: Path | None = Field(default=None, description="CA certificates; none: the system's")
    kafka_libs: Path | None = Field(
        default=None,
        description="folder `libs` of an unpacked Apache Kafka, for `molva up --broker kafka`; none: Maven"
        " fetches the jars",
    )
    partitions: int = Field(
        default=4, ge=1, le=4096, description="partitions of the posts and mentions topics"
    )
    enriched_partitions: int = Field(
        default=0,
        ge=0,
        le=4096,
        description="partitions of molva.posts.enriched, each costs storage an insert a second; 0: one under"
        " `molva up`, else as MOLVA_PARTITIONS",
    )
    replicas: int = Field(default=1, ge=1, le=16, description="replication factor of new topics")

    clickhouse_host: str = Field(default="127.0.0.1", description="where ClickHouse runs")
    clickhouse_port: int = Field(default=9000, description="native TCP port")
    clickhouse_http_port: int = Field(default=8123, description="HTTP port, for `molva sql`")
    clickhouse_user: str = Field(
        default="default", description="needs SELECT and INSERT; migrations need DDL"
    )
    clickhouse_password: SecretStr = Field(default=SecretStr(""), description="of that user")
    clickhouse_database: str = Field(
        default="molva", pattern=r"^[a-z_][a-z0-9_]*$", description="made by `molva migrate`"
    )
    clickhouse_cluster: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_]*$",
        description="ClickHouse cluster on which `molva migrate` makes replicated tables; none: one server",
    )
    clickhouse_secure: bool = Field(default=False, description="TLS to ClickHouse")

    enrichment_batch: int = Field(default=256, ge=1, description="posts per call of the language models")
    enrichment_linger: Seconds = Field(
        default=timedelta(milliseconds=100), description="wait to fill a batch, seconds"
    )
    sentiment_model: Literal["open", "full"] = Field(
        default="full", description="open: trained on data with permissive licences only"
    )

    sentiment_tier: Literal["fast", "strong", "cascade"] = Field(
        default="cascade", description="cascade: the strong tier decides where the fast one is unsure"
    )
    strong_patience: Seconds = Field(
        default=timedelta(minutes=2),
        description="live posts that have waited longer get the fast tier alone, seconds; 0: never",
    )
    ner_engine: Literal["fast", "natasha"] = Field(
        default="fast", description="natasha: the library itself, ten times slower, same names"
    )

    storage_batch: int = Field(default=10_000, ge=1, description="rows of a partition per insert")
    storage_linger: Seconds = Field(
        default=timedelta(seconds=1),
        description="wait to fill an insert, seconds; twice as long for fewer than 250 rows",
    )

    alerts: Path | None = Field(
        default=None, description="alerts.yaml: who is told of spikes, and how; none: nobody"
    )

    live_grace: Seconds = Field(
        default=timedelta(minutes=5),
        description="how late a live post may come and still be judged; spikes are known that much later",
    )
    source_idle: Seconds = Field(
        default=timedelta(minutes=10),
        description="a source that states no watermark this long is not waited for",
    )
    late_grace: Seconds = Field(
        default=timedelta(),
        description="how far behind its watermark a mention still counts in its 5 minutes; spikes are known"
        " that much later, in steps of the watermarks (5 minutes where agents are live)",
    )
    dimensions: str = Field(
        default="",
        pattern=r"^((source|region|aspect)(,(source|region|aspect))*)?$",
        description="what objects are sliced by for spikes: any of source, region, aspect, comma-separated",
    )
    dead_letter_limit: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of its records that a stage may give up for ever; above it the stage stops;"
        " 1: never",
    )
    dead_letter_burst: int = Field(
        default=1000, ge=1, description="dead letters above that share before a worker of a stage stops"
    )
    dead_letter_hold: Seconds = Field(
        default=timedelta(minutes=10),
        description="a worker that stopped so stays, reading nothing, this long before it ends with exit"
        " code 4, seconds",
    )
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Prometheus endpoint; 0: none")
    metrics_host: str = Field(default="127.0.0.1", description="address of the Prometheus endpoint")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="of the workers' logs on standard error"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="json: one object per line, for a log store"
    )
    traces: Literal["off", "otlp"] = Field(
        default="off",
        description="otlp: OpenTelemetry traces; where to, and how many, say the variables OTEL_*",
    )

    http_host: str = Field(default="127.0.0.1", description="address of the HTTP ingest")
    http_port: int = Field(default=8088, ge=0, le=65535, description="HTTP ingest; 0: any free port")
    http_token: SecretStr = Field(default=SecretStr(""), description="bearer token of the HTTP ingest")
    http_callers: Path | None = Field(
        default=None,
        description="YAML list of who may post what to the HTTP ingest; read again when it changes",
    )
    agents: Path | None = Field(
        default=None, description="agents.yaml: what `molva agents run` collects; none: nothing"
    )
    agent_private_hosts: str = Field(
        default="",
        description="host:port, comma-separated: servers of yours that agents may ask although their"
        " addresses are private",
    )
    rss_feeds: Path | None = Field(default=None, description="YAML list of feeds for the rss agent")
    max_backlog: int = Field(
        default=500_000,
        ge=0,
        description="agents wait, and the HTTP ingest answers 503, while a stage has more records than this"
        " before it; 0: never",
    )

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """``agent_private_hosts`` one by one."""
        return tuple(filter(None, map(str.strip, self.agent_private_hosts.split(","))))

    def environment(self) -> dict[str, str]:
        """The ``MOLVA_`` variables with which another process gets the same settings."""
        values = {}
        for name, value in self:
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            elif isinstance(value, timedelta):
                value = value.total_seconds()
            if value is not None:
                values[f"MOLVA_{name.upper()}"] = str(value)
        return values
