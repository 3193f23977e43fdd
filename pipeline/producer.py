"""The Kafka producer of the stages: sends in order and returns when everything is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from pipeline.emission import Outgoing
from pipeline.kafka import client_options
from pipeline.settings import Settings
from schemas import Origin


class Producer:
    """An async context manager around aiokafka's producer; ``emit`` is a `pipeline.emission.Emit`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            # the embedded broker has no producer ids
            enable_idempotence=self._settings.kafka_kind == "kafka",
            linger_ms=5,
            max_batch_size=256 * 1024,
            max_request_size=4 * 1024 * 1024,
            compression_type=None,
        )
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def emit(self, items: Sequence[Outgoing]) -> None:
        """Send in order; return when the brokers have confirmed every message.

        Raises:
            aiokafka.errors.KafkaError: a message could not be delivered; none may be taken as sent.
        """
        await self.send(items)

    async def send(self, items: Sequence[Outgoing]) -> list[Origin]:
        """As `emit`, and tell where the messages stand now."""
        confirmations = [
            await self._producer.send(
                item.topic,
                key=item.message.key,
                value=item.message.value,
                headers=item.message.headers,
                partition=item.partition,
                timestamp_ms=None if item.timestamp is None else round(item.timestamp.timestamp() * 1000),
            )
            for item in items
        ]
        sent = await asyncio.gather(*confirmations)
        return [Origin(topic=at.topic, partition=at.partition, offset=at.offset) for at in sent]

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return len(await self._producer.partitions_for(topic))
