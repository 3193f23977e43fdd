"""The notification stage's state: a mapping kept in a compacted Kafka topic of one partition.

Unlike a Faust table it can be written at any time: queues empty and snoozes end while no record comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.kafka import MAX_MESSAGE_BYTES, STATE_CONFIG, KafkaAdmin, TopicSpec, client_options
from pipeline.kafka_offsets import high_watermarks
from pipeline.settings import Settings
from pipeline.topics import NOTIFICATION_STATE as TOPIC

MAX_ROW_BYTES = MAX_MESSAGE_BYTES
POLL_MS = 200
SPEC = TopicSpec(TOPIC, 1, STATE_CONFIG)


class Rows(Protocol):
    """A durable mapping of the stage that owns it."""

    async def read(self) -> dict[str, bytes]:
        """All rows."""
        ...

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Set rows (None: delete); return when they are durable."""
        ...


class Journal:
    """`Rows` in Kafka: ``async with Journal(settings) as journal``. Creates its topic where it is missing.

    Raises:
        KafkaError: Kafka cannot be reached, or refuses a row; the stage must then begin anew from `read`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        async with KafkaAdmin(self._settings) as admin:
            await admin.ensure_topics([SPEC])
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            acks="all",
            enable_idempotence=self._settings.kafka_kind == "kafka",  # the embedded broker has no ids for it
            linger_ms=2,
            max_request_size=MAX_ROW_BYTES,
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

    async def read(self) -> dict[str, bytes]:
        """Read the topic from its start to its end."""
        place = TopicPartition(TOPIC, 0)
        rows: dict[str, bytes] = {}
        consumer = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await high_watermarks(consumer, [place]))[place]
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(timeout_ms=POLL_MS)).get(place, []):
                    if record.value is None:
                        rows.pop(record.key.decode(), None)
                    else:
                        rows[record.key.decode()] = record.value
        finally:
            await consumer.stop()
        return rows

    async def write(self, rows: Mapping[str, bytes | None]) -> None:
        """Send the rows in order and wait for their confirmations."""
        promises = [
            await self._producer.send(TOPIC, key=key.encode(), value=value, partition=0)
            for key, value in rows.items()
        ]
        await asyncio.gather(*promises)
