"""Writes rows of ``molva.agents.cursors``, each confirmed by all replicas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.base import PublishFailed
from agents.fleet.cursor_rows import Write, agent_of, partition_of
from agents.kafka_session import REQUEST_TIMEOUT_MS
from pipeline.kafka import MAX_MESSAGE_BYTES, client_options
from pipeline.settings import Settings
from pipeline.topics import AGENT_CURSORS


@asynccontextmanager
async def row_writer(settings: Settings) -> AsyncIterator[Write]:
    """What sets rows of the topic of cursors, each confirmed by all replicas.

    Raises:
        KafkaError: no broker answers. The writer itself raises `PublishFailed`.
    """
    producer: Any = AIOKafkaProducer(
        **client_options(settings),
        client_id="molva-agents",
        acks="all",
        enable_idempotence=settings.kafka_kind == "kafka",
        linger_ms=2,
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )

    async def write(key: str, value: bytes | None) -> None:
        try:
            await producer.send_and_wait(
                AGENT_CURSORS, value, key.encode(), partition=partition_of(agent_of(key))
            )
        except KafkaError as error:
            raise PublishFailed(f"Kafka did not take the row {key}: {error!r}") from error

    try:
        await producer.start()
        yield write
    finally:
        await producer.stop()
