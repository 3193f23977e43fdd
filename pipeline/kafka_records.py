"""What a topic holds at present, read once to its end: for commands and reports; stages read for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer

from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings

POLL_MS = 500


async def records_of(settings: Settings, topic: str) -> AsyncIterator[Any]:
    """aiokafka's records of a topic from its beginning to its present end, in order within a partition.

    Raises:
        KafkaError: Kafka cannot be reached, or lacks the topic.
    """
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets([topic])
    async with AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False) as consumer:
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in batch:
                    yield record
