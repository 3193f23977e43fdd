"""The Kafka producer of the stages: sends in order and returns when everything is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from pipeline.emission import Outgoing
from pipeline.kafka import client_options
from pipeline.kafka_batches import Batches, Sent
from pipeline.settings import Settings
from schemas import Origin

MAX_REQUEST_BYTES = 4 * 1024 * 1024


class Producer:
    """An async context manager around aiokafka's producer; ``emit`` is a `pipeline.emission.Emit`.

    It hands whole batches to aiokafka, not messages: most of what a single `AIOKafkaProducer.send` costs is
    spent per call (docs/performance.md).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._batches: Any = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            # the embedded broker has no producer ids
            enable_idempotence=self._settings.kafka_kind == "kafka",
            max_batch_size=1024 * 1024,
            max_request_size=MAX_REQUEST_BYTES,
            compression_type=None,
        )
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        self._batches = Batches(self._producer)
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
        await self._deliver(items)

    async def send(self, items: Sequence[Outgoing]) -> list[Origin]:
        """As `emit`, and tell where the messages stand now."""
        found = {
            number: Origin(topic=at.topic, partition=at.partition, offset=at.offset + place)
            for numbers, at in await self._deliver(items)
            for place, number in enumerate(numbers)
        }
        return [found[number] for number in range(len(items))]

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return len(await self._producer.partitions_for(topic))

    async def _deliver(self, items: Sequence[Outgoing]) -> list[tuple[Sequence[int], Any]]:
        """Which of the items stand together, and where the first of them stands."""
        for item in items:
            _require_small(item)
        submitted: list[Sent] = []
        try:
            async for sent in self._batches.send(items):
                submitted.append(sent)
        except BaseException:
            # their errors have nobody else to tell
            asyncio.gather(*(sent.first for sent in submitted), return_exceptions=True)
            raise
        places = await asyncio.gather(*(sent.first for sent in submitted))
        return [(sent.numbers, at) for sent, at in zip(submitted, places, strict=True)]


def _require_small(item: Outgoing) -> None:
    """Refuse what no broker takes, before anything is sent.

    Raises:
        MessageSizeTooLargeError: it is larger than our topics take.
    """
    key, value, headers = item.message
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    if size > MAX_REQUEST_BYTES:
        raise MessageSizeTooLargeError(
            f"a message of {size} bytes for {item.topic}, the limit is {MAX_REQUEST_BYTES}"
        )
