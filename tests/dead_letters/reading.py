"""All records of a topic, as they stand in Kafka."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from pipeline.kafka import KafkaAdmin, client_options
from pipeline.settings import Settings


async def records_of(settings: Settings, topic: str) -> list[Any]:
    """Every record up to the present end, partition by partition."""
    async with KafkaAdmin(settings) as admin:
        ends = await admin.end_offsets([topic])
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    found: list[Any] = []
    try:
        for place, end in ends.items():
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            while await consumer.position(place) < end:
                found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
    finally:
        await consumer.stop()
    return found
