"""Many messages into Kafka at once: whole batches by partition, not one future and one wait for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from pipeline.emission import Outgoing

FEW = 16
"""So many messages for one partition, or fewer, share a batch with those of others."""

Place = tuple[str, int]
"""A topic and a partition."""
Delivery = asyncio.Future[Any]
"""Done once the brokers have the record; its result has ``topic``, ``partition`` and ``offset``."""


class Sent(NamedTuple):
    """Messages that the producer has taken, and which of the items they are, in order.

    ``first`` is done once the brokers have them all; its result has the ``topic``, ``partition`` and
    ``offset`` of the first.
    """

    numbers: Sequence[int]
    first: Delivery


class Batches:
    """Builds batches for one started producer; may be used by several tasks at once."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._choose = DefaultPartitioner()
        self._turns: dict[Place, asyncio.Lock] = {}

    async def send(self, items: Sequence[Outgoing]) -> AsyncIterator[Sent]:
        """Hand the items to the producer; those of one partition, so those of one key, keep their order.

        Raises:
            aiokafka.errors.KafkaError: the producer takes no more; what was given before is on its way.
        """
        for place, numbers in (await self._lines(items)).items():
            if len(numbers) <= FEW:
                for number in numbers:
                    yield Sent((number,), await self._send_one(place, items[number]))
            else:
                for batch, together in self._filled(items, numbers):
                    yield Sent(together, await self._send_batch(place, batch))

    async def _lines(self, items: Sequence[Outgoing]) -> dict[Place, list[int]]:
        """Which partition each item goes to: the one it states, or the one that its key decides."""
        partitions: dict[str, list[int]] = {}
        lines: dict[Place, list[int]] = {}
        for number, item in enumerate(items):
            topic, partition = item.topic, item.partition
            if partition is None:
                if topic not in partitions:
                    partitions[topic] = sorted(await self._producer.partitions_for(topic))
                partition = self._choose(item.message.key, partitions[topic], partitions[topic])
            lines.setdefault((topic, partition), []).append(number)
        return lines

    def _filled(
        self, items: Sequence[Outgoing], numbers: Sequence[int]
    ) -> Iterator[tuple[BatchBuilder, Sequence[int]]]:
        """The items of one partition in closed batches, each as full as it may be."""
        batch, first = self._producer.create_batch(), 0
        for at, number in enumerate(numbers):
            if not _added(batch, items[number]):
                yield batch, numbers[first:at]
                batch, first = self._producer.create_batch(), at
                _added(batch, items[number])  # an empty one takes any message
        batch.close()
        yield batch, numbers[first:]

    async def _send_one(self, place: Place, item: Outgoing) -> Delivery:
        (topic, partition), (key, value, headers) = place, item.message
        moment = _milliseconds(item)
        async with self._turn(place):
            sent: Delivery = await self._producer.send(topic, value, key, partition, moment, headers)
            return sent

    async def _send_batch(self, place: Place, batch: BatchBuilder) -> Delivery:
        async with self._turn(place):
            sent: Delivery = await self._producer.send_batch(batch, place[0], partition=place[1])
            return sent

    def _turn(self, place: Place) -> asyncio.Lock:
        """One sender at a time for each partition.

        Where several wait for one, aiokafka 0.14 takes the time since the first wait off the time-out at
        each of them, and gives up long before it is over.
        """
        return self._turns.setdefault(place, asyncio.Lock())


def _added(batch: BatchBuilder, item: Outgoing) -> bool:
    """Append a message; False, and the batch is closed, where it is full."""
    key, value, headers = item.message
    added = batch.append(timestamp=_milliseconds(item), key=key, value=value, headers=headers)
    return added is not None


def _milliseconds(item: Outgoing) -> int | None:
    return None if item.timestamp is None else round(item.timestamp.timestamp() * 1000)
