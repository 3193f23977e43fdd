"""The Kafka producer of the stages: sends in order and returns when everything is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from pipeline.emission import Outgoing
from pipeline.kafka import client_options
from pipeline.settings import Settings
from schemas import Origin

MAX_REQUEST_BYTES = 4 * 1024 * 1024

Lines = dict[tuple[str, int], list[int]]
"""Topic and partition -> which of the items go there, in their order."""


class _Batch(NamedTuple):
    """Messages that go to Kafka together, and which of the items they are."""

    topic: str
    partition: int
    filled: Any
    numbers: Sequence[int]


class Producer:
    """An async context manager around aiokafka's producer; ``emit`` is a `pipeline.emission.Emit`.

    It hands whole batches to aiokafka, not messages: most of what a single `AIOKafkaProducer.send` costs is
    spent per call (docs/performance.md).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._choose = DefaultPartitioner()

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
        batches = [
            batch for line in (await self._lines(items)).items() for batch in self._filled(items, line)
        ]
        submitted: list[asyncio.Future[Any]] = []
        try:
            for topic, partition, filled, _ in batches:
                submitted.append(await self._producer.send_batch(filled, topic, partition=partition))
        except BaseException:
            asyncio.gather(*submitted, return_exceptions=True)  # their errors have nobody else to tell
            raise
        sent = await asyncio.gather(*submitted)
        return [(batch.numbers, at) for batch, at in zip(batches, sent, strict=True)]

    async def _lines(self, items: Sequence[Outgoing]) -> Lines:
        """Which partition each item goes to: the one it states, or the one that its key decides."""
        widths: dict[str, list[int]] = {}
        lines: Lines = {}
        for number, item in enumerate(items):
            topic, partition = item.topic, item.partition
            if partition is None:
                if topic not in widths:
                    widths[topic] = sorted(await self._producer.partitions_for(topic))
                partition = self._choose(item.message.key, widths[topic], widths[topic])
            lines.setdefault((topic, partition), []).append(number)
        return lines

    def _filled(
        self, items: Sequence[Outgoing], line: tuple[tuple[str, int], Sequence[int]]
    ) -> Iterator[_Batch]:
        """The items of one partition in batches, each as full as it may be."""
        (topic, partition), numbers = line
        batch, first = self._producer.create_batch(), 0
        for at, number in enumerate(numbers):
            if not _added(batch, items[number]):
                yield _Batch(topic, partition, batch, numbers[first:at])
                batch, first = self._producer.create_batch(), at
                _added(batch, items[number])
        batch.close()
        yield _Batch(topic, partition, batch, numbers[first:])


def _added(batch: Any, item: Outgoing) -> bool:
    """Append a message; False, and the batch is closed, where it is full. An empty one takes any message."""
    key, value, headers = item.message
    moment = None if item.timestamp is None else round(item.timestamp.timestamp() * 1000)
    return batch.append(timestamp=moment, key=key, value=value, headers=headers) is not None


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
