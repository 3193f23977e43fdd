"""The in-memory publisher: the fake that the contract suite holds against the one for Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from agents.publisher import TOPIC_OF, Confirming, Ready, encode_within_limit
from pipeline.kafka_batches import Delivery, Place
from pipeline.topics import RAW
from schemas import Record, Watermark


class Kept(NamedTuple):
    """A record that the in-memory publisher holds."""

    topic: str
    partition: int
    offset: int
    record: Record


class MemoryPublisher(Confirming):
    """Keeps what was published, in order; can hold confirmations back or fail them."""

    def __init__(self, partitions: int = 2) -> None:
        super().__init__()
        self.sent: list[Kept] = []
        self.failure: KafkaError | None = None
        """While set, nothing that is published arrives."""
        self.confirming = asyncio.Event()
        """Clear it to hold confirmations back."""
        self.confirming.set()
        self._partitions = partitions
        self._ends: Counter[Place] = Counter()
        self._partition_of = DefaultPartitioner()

    def of(self, topic: str) -> list[Record]:
        """The records of a topic, in order of sending (a watermark once per partition)."""
        return [sent.record for sent in self.sent if sent.topic == topic]

    async def raw_partitions(self) -> int:
        return self._partitions

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        topic = TOPIC_OF[type(record)]
        message = encode_within_limit(record)
        if isinstance(record, Watermark):
            return tuple([self._append(topic, partition, record) for partition in range(record.partitions)])
        every = list(range(self._partitions if topic == RAW else 1))
        return (self._append(topic, self._partition_of(message.key, every, every), record),)

    async def publish_all(self, ready: Sequence[Ready]) -> list[Delivery]:
        return [delivery for each in ready for delivery in await self.publish(each.record)]

    async def confirm(self, deliveries: Iterable[Delivery]) -> None:
        await self.confirming.wait()
        await super().confirm(deliveries)

    def _append(self, topic: str, partition: int, record: Record) -> Delivery:
        delivery: Delivery = asyncio.get_running_loop().create_future()
        if self.failure is not None:
            delivery.set_exception(self.failure)
            return delivery
        offset = self._ends[topic, partition]
        self._ends[topic, partition] += 1
        sent = Kept(topic, partition, offset, record)
        self.sent.append(sent)
        delivery.set_result(sent)
        return delivery
