"""Many records into Kafka at once: built into whole batches here, not one future and one wait for each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.codec import Message

FEW = 16
"""So many records of one partition, or fewer, share a batch with those of others."""

Place = tuple[str, int]
"""A topic and a partition."""
Delivery = asyncio.Future[Any]
"""Done once the broker has the record; its result has ``topic``, ``partition`` and ``offset``."""


class Batches:
    """Builds whole batches for one producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partition_of = DefaultPartitioner()
        self._turns: dict[Place, asyncio.Lock] = {}

    async def send(self, messages: Iterable[tuple[str, Message]], deliveries: list[Delivery]) -> None:
        """Send messages, each with its topic; those with one key keep their order.

        Args:
            deliveries: is added to, also before an error: one for each batch, of its last record.

        Raises:
            KafkaError: the broker is away.
        """
        for place, placed in (await self._placed(messages)).items():
            if len(placed) <= FEW:
                for key, value, headers in placed:
                    sent = await self._producer.send(place[0], value, key, place[1], headers=headers)
                    deliveries.append(sent)
            else:
                await self._send_batches(place, placed, deliveries)

    async def _placed(self, messages: Iterable[tuple[str, Message]]) -> Mapping[Place, list[Message]]:
        """The messages of each partition, in order; each where the producer itself would put it."""
        placed: defaultdict[Place, list[Message]] = defaultdict(list)
        partitions: dict[str, list[int]] = {}
        for topic, message in messages:
            if topic not in partitions:
                partitions[topic] = sorted(await self._producer.partitions_for(topic))
            every = partitions[topic]
            placed[topic, self._partition_of(message.key, every, every)].append(message)
        return placed

    async def _send_batches(
        self, place: Place, messages: Sequence[Message], deliveries: list[Delivery]
    ) -> None:
        batch = self._producer.create_batch()
        for key, value, headers in messages:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                deliveries.append(await self._send_batch(place, batch))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)  # a first one always fits
        deliveries.append(await self._send_batch(place, batch))

    async def _send_batch(self, place: Place, batch: BatchBuilder) -> Delivery:
        batch.close()
        # one at a time: where several wait for a partition, aiokafka 0.14 takes the time since the first
        # wait off the timeout at each of them, and gives up long before it is over
        async with self._turns.setdefault(place, asyncio.Lock()):
            sent = await self._producer.send_batch(batch, place[0], partition=place[1])
        return _last(sent, batch.record_count())


def _last(batch: Delivery, count: int) -> Delivery:
    """The delivery of the last of ``count`` records of a batch, whose own result is that of the first."""
    last: Delivery = batch.get_loop().create_future()

    def pass_on(done: Delivery) -> None:
        if last.done():
            return
        if done.cancelled():
            last.cancel()
        elif (error := done.exception()) is not None:
            last.set_exception(error)
        else:
            first = done.result()
            last.set_result(first._replace(offset=first.offset + count - 1))

    batch.add_done_callback(pass_on)
    return last
