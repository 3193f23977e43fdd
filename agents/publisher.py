"""Records into Kafka, many in flight, each delivery confirmed; and the in-memory publisher of the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.base import PublishFailed, RecordTooLarge
from pipeline.emission import Outgoing
from pipeline.kafka_batches import Batches, Delivery, Place, Sent
from pipeline.kafka_link import connection_trouble
from pipeline.topics import DEAD_LETTERS, DELETED, RAW
from pipeline.tracing import OFF, Tracing
from schemas import DeadLetter, Deletion, RawPost, Record, Watermark
from schemas.codec import Message, encode

MAX_VALUE_BYTES = 900_000
"""Kafka's default ``message.max.bytes`` is 1 MiB; key, headers and the batch's frame need a part of it."""

TOPIC_OF: Mapping[type[Record], str] = MappingProxyType(
    {RawPost: RAW, Watermark: RAW, DeadLetter: DEAD_LETTERS, Deletion: DELETED}
)


class Ready(NamedTuple):
    """A record that is no watermark, encoded: `encode_within_limit`."""

    record: Record
    message: Message


class Publisher(Protocol):
    """Sends records; `confirm` says that they have arrived."""

    @property
    def offsets(self) -> Mapping[Place, int]:
        """The highest confirmed offset of each partition that was written to."""
        ...

    async def raw_partitions(self) -> int:
        """How many partitions ``molva.posts.raw`` has.

        Raises:
            PublishFailed: the broker does not tell.
        """
        ...

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        """Send a record behind all earlier ones of its partition; a watermark goes to each raw partition.

        Waits only while too much is in flight. Every delivery must be handed to `confirm`.

        Raises:
            RecordTooLarge: the broker would refuse it.
            PublishFailed: the broker is away.
        """
        ...

    async def publish_all(self, ready: Sequence[Ready]) -> list[Delivery]:
        """Send many encoded records at once: as if one after the other by `publish`, for less work.

        Returns:
            Deliveries, fewer than records where several travel together.

        Raises:
            PublishFailed: the broker is away.
        """
        ...

    async def confirm(self, deliveries: Iterable[Delivery]) -> None:
        """Wait until the broker has all of them.

        Raises:
            PublishFailed: at least one was not delivered.
        """
        ...


class Confirming:
    """What publishers share: waiting for deliveries and remembering their offsets."""

    def __init__(self) -> None:
        self._offsets: dict[Place, int] = {}

    @property
    def offsets(self) -> Mapping[Place, int]:
        return MappingProxyType(self._offsets)

    async def confirm(self, deliveries: Iterable[Delivery]) -> None:
        failure: KafkaError | None = None
        for delivery in deliveries:
            try:
                sent = await delivery
            except KafkaError as error:
                failure = failure or error
                continue
            place = (sent.topic, sent.partition)
            self._offsets[place] = max(sent.offset, self._offsets.get(place, -1))
        if failure is not None:
            raise PublishFailed(f"Kafka did not take a record: {failure!r}") from failure


def abandon(deliveries: Iterable[Delivery]) -> None:
    """Give up waiting for deliveries; what becomes of them is nobody's concern any more."""
    for delivery in deliveries:
        delivery.add_done_callback(lambda done: None if done.cancelled() else done.exception())


def encode_within_limit(record: Record) -> Message:
    """Encode a record.

    Raises:
        RecordTooLarge: its value is larger than a broker takes.
    """
    message = encode(record)
    if len(message.value) > MAX_VALUE_BYTES:
        raise RecordTooLarge(message.value, MAX_VALUE_BYTES)
    return message


class KafkaPublisher(Confirming):
    """Publishes through a started aiokafka producer.

    The producer has at most one batch per partition on the wire and mutes the partition until it is
    answered, also over retries, so records enter a partition in the order of `publish`.
    """

    def __init__(self, producer: AIOKafkaProducer, tracing: Tracing = OFF) -> None:
        super().__init__()
        self._producer = producer
        self._batches = Batches(producer)
        self._tracing = tracing

    @property
    def trouble(self) -> str | None:
        """What is wrong with the connection; None: nothing."""
        return connection_trouble(self._producer.client)

    async def raw_partitions(self) -> int:
        try:
            return len(await self._producer.partitions_for(RAW))
        except KafkaError as error:
            raise PublishFailed(f"Kafka does not tell the partitions of {RAW}: {error!r}") from error

    async def publish(self, record: Record) -> tuple[Delivery, ...]:
        topic = TOPIC_OF[type(record)]
        key, value, headers = encode_within_limit(record)
        partitions = range(record.partitions) if isinstance(record, Watermark) else (None,)
        over = None if isinstance(record, Watermark) else self._tracing.publish(topic, headers)
        deliveries: list[Delivery] = []
        try:
            for partition in partitions:
                deliveries.append(await self._producer.send(topic, value, key, partition, headers=headers))
            if over is not None:
                deliveries[0].add_done_callback(over)
            return tuple(deliveries)
        except KafkaError as error:
            abandon(deliveries)
            raise PublishFailed(f"Kafka does not take records: {error!r}") from error

    async def publish_all(self, ready: Sequence[Ready]) -> list[Delivery]:
        deliveries: list[Delivery] = []
        try:
            if self._tracing is not OFF:  # every record has a span of its own
                for each in ready:
                    deliveries.extend(await self.publish(each.record))
                return deliveries
            items = [Outgoing(TOPIC_OF[type(each.record)], each.message) for each in ready]
            async for sent in self._batches.send(items):
                deliveries.append(_last(sent))
        except (KafkaError, PublishFailed) as error:
            abandon(deliveries)
            raise PublishFailed(f"Kafka does not take records: {error!r}") from error
        return deliveries


def _last(sent: Sent) -> Delivery:
    """The delivery of the last of the records that were sent together."""
    behind = len(sent.numbers) - 1
    if behind == 0:
        return sent.first
    last: Delivery = sent.first.get_loop().create_future()

    def pass_on(done: Delivery) -> None:
        if last.done():
            return
        if done.cancelled():
            last.cancel()
        elif (error := done.exception()) is not None:
            last.set_exception(error)
        else:
            first = done.result()
            last.set_result(first._replace(offset=first.offset + behind))

    sent.first.add_done_callback(pass_on)
    return last
