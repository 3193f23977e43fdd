"""What Kafka says by itself: the records of a topic, and how far each group is behind; plain aiokafka."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

READ_BY = {
    "molva-enrichment": ("molva.posts.raw",),
    "molva-detection": ("molva.mentions", "molva.baselines"),
    "molva-notification": ("molva.spikes", "molva.alerts.actions"),
    "molva-storage": (
        "molva.posts.enriched",
        "molva.mentions",
        "molva.spikes",
        "molva.alerts",
        "molva.alerts.actions",
        "molva.posts.deleted",
        "molva.dead-letters",
    ),
}
"""Consumer groups and the topics of which each commits offsets, as the table of rights in docs/kafka.md tells
them. A topic without records is read to its end, also without a commit."""
POLL_MS = 2000


async def records(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic, from the first to the last that stands in it now."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    found: list[Any] = []
    try:
        await consumer._client.add_topic(topic)  # makes its partitions known
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(*places, timeout_ms=POLL_MS)).values():
                found += batch
    finally:
        await consumer.stop()
    return found


async def lag(bootstrap: str) -> dict[str, int]:
    """Of each group and partition (``<group> <topic>:<partition>``) how many records it has not committed."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        await admin.start()
        behind: dict[str, int] = {}
        for group, topics in READ_BY.items():
            places = [
                TopicPartition(each["topic"], part["partition"])
                for each in await admin.describe_topics(list(topics))
                for part in each["partitions"]
            ]
            ends = await consumer.end_offsets(places)
            committed = await admin.list_consumer_group_offsets(group, partitions=places)
            for place in places:
                at = max(0, committed[place].offset)
                behind[f"{group} {place.topic}:{place.partition}"] = max(0, ends[place] - at)
        return behind
    finally:
        await admin.close()
        await consumer.stop()
