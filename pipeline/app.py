"""The Faust application of one stage: settings in, an app with the habits of docs/architecture.md out."""

from __future__ import annotations

import ssl
from typing import Any

import faust
from aiokafka.helpers import create_ssl_context
from faust.auth import SASLCredentials, SSLCredentials

from pipeline.settings import Settings


def build_app(settings: Settings, stage: str) -> Any:
    """A Faust app whose consumer group is ``molva-<stage>``; agents and tables are bound by the worker.

    Topics are created beforehand (`pipeline.kafka`), so the app declares none but its changelogs.
    """
    embedded = settings.kafka_kind == "embedded"
    return faust.App(
        f"molva-{stage}",
        broker=[f"kafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=_credentials(settings),
        # the embedded broker waits half the session time-out before it lets a member join
        broker_session_timeout=6.0 if embedded else 30.0,
        broker_heartbeat_interval=1.0 if embedded else 3.0,
        broker_rebalance_timeout=6.0 if embedded else 60.0,
        broker_commit_interval=0.5,
        broker_max_poll_interval=600.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,  # of a partition; the largest record that our topics take
        producer_acks=-1,
        producer_linger=0.02,
        producer_max_request_size=4 * 1024 * 1024,
        agent_supervisor="mode.CrashingSupervisor",
        store="memory://",
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replicas,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
        datadir=settings.data_dir / "faust" / stage,
    )


class _AsItIs(faust.Schema):  # type: ignore[misc]
    """Events with the bytes of their records; Faust's own schema looks for a codec at every record."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Faust asks once per topic for the function that makes events of messages."""

        async def decode(message: Any, *, propagate: bool = False) -> faust.Event:
            return faust.Event(app, message.key, message.value, message.headers, message)

        return decode


def topic_of_bytes(app: Any, *names: str) -> Any:
    """Topics for an agent whose stage decodes the records itself."""
    raw = _AsItIs(key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    return app.topic(*names, schema=raw)


def _credentials(settings: Settings) -> Any:
    if settings.kafka_security == "PLAINTEXT":
        return None
    context: ssl.SSLContext | None = None
    if settings.kafka_security in {"SSL", "SASL_SSL"}:
        ca_file = str(settings.kafka_ca_file) if settings.kafka_ca_file else None
        context = create_ssl_context(cafile=ca_file)
    if settings.kafka_security == "SSL":
        return SSLCredentials(context)
    return SASLCredentials(
        mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=context,
    )
