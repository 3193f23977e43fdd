"""The records behind dead letters, as they stand in Kafka: all of their bytes, their headers, their key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from pipeline.kafka import client_options
from pipeline.kafka_offsets import high_watermarks, log_starts
from pipeline.settings import Settings
from pipeline.topics import DEAD_LETTERS
from schemas import DeadLetter, Origin
from schemas.codec import Headers, InvalidRecord, decode, header

REPLAY_OF = "molva-replay-of"
"""The header of a record that was sent again: which record it is (`choice.record_key`)."""
POLL_MS = 500
STRIDE = 1000
"""Records that lie nearer to each other are read through; for those further on the consumer seeks."""


class Original(NamedTuple):
    """A record as it was read; ``headers`` without null values, which nothing of ours sends."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Any]:
    """A consumer outside of every group; raises KafkaError where Kafka cannot be reached."""
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def read_originals(consumer: Any, origins: Iterable[Origin]) -> dict[Origin, Original]:
    """The records that Kafka still has, by origin."""
    wanted: dict[TopicPartition, set[int]] = defaultdict(set)
    for origin in origins:
        wanted[TopicPartition(origin.topic, origin.partition)].add(origin.offset)
    found: dict[Origin, Original] = {}
    for place, offsets in wanted.items():
        bounds = await _bounds(consumer, place)
        if bounds is not None:
            inside = sorted(offset for offset in offsets if bounds[0] <= offset < bounds[1])
            found |= await _read_partition(consumer, place, inside, bounds[1])
    return found


async def find_resent(
    consumer: Any, place: TopicPartition, start: int, records: Collection[str]
) -> Mapping[str, int]:
    """Which of the records were sent again to a partition at or after ``start``: record -> offset."""
    bounds = await _bounds(consumer, place)
    if bounds is None:
        return {}
    found: dict[str, int] = {}
    async for message in _messages(consumer, place, max(start, bounds[0]), bounds[1]):
        of = header(message.headers, REPLAY_OF)
        if of in records:
            found.setdefault(str(of), message.offset)
    return found


async def letters_in_topic(settings: Settings) -> list[DeadLetter]:
    """Every dead letter of the topic, the newest first; what is none is passed over."""
    found: dict[str, DeadLetter] = {}
    async with opened(settings) as consumer:
        place = TopicPartition(DEAD_LETTERS, 0)
        bounds = await _bounds(consumer, place)
        if bounds is None:
            raise UnknownTopicOrPartitionError(f"no such topic: {DEAD_LETTERS}")
        async for message in _messages(consumer, place, *bounds):
            try:
                letter = decode(DeadLetter, message.value)
            except InvalidRecord:
                continue  # storage makes a row of it
            found.setdefault(letter.id, letter)
    return sorted(found.values(), key=lambda letter: letter.failed_at, reverse=True)


async def _bounds(consumer: Any, place: TopicPartition) -> tuple[int, int] | None:
    """First offset and end of a partition; None where there is no such partition (any more)."""
    try:
        return (await log_starts(consumer, [place]))[place], (await high_watermarks(consumer, [place]))[place]
    except UnknownTopicOrPartitionError:
        return None


async def _read_partition(
    consumer: Any, place: TopicPartition, offsets: list[int], end: int
) -> dict[Origin, Original]:
    found: dict[Origin, Original] = {}
    first = 0
    while first < len(offsets):
        last = first
        while last + 1 < len(offsets) and offsets[last + 1] - offsets[last] <= STRIDE:
            last += 1
        asked = set(offsets[first : last + 1])
        async for message in _messages(consumer, place, offsets[first], min(end, offsets[last] + 1)):
            if message.offset in asked:
                origin = Origin(topic=place.topic, partition=place.partition, offset=message.offset)
                headers = [(name, value) for name, value in message.headers if value is not None]
                found[origin] = Original(message.key, message.value, headers)
        first = last + 1
    return found


async def _messages(consumer: Any, place: TopicPartition, start: int, end: int) -> AsyncIterator[Any]:
    """The records from ``start`` up to, not including, ``end``."""
    if start >= end:
        return
    consumer.assign([place])
    consumer.seek(place, start)
    while await consumer.position(place) < end:
        for message in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
            if message.offset < end:
                yield message
