"""Offsets straight from the partitions' leaders, over the connections of any started aiokafka client.

The end of a partition is the high watermark of a fetch: exact on Apache Kafka and on the embedded broker,
whose ListOffsets(latest) answers with the start of the last batch. `KafkaAdmin` and table recovery use it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NoError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

T = TypeVar("T")

LATEST, EARLIEST = -1, -2
ATTEMPTS = 8
BACKOFF_SECONDS = 0.05
"""Doubled at every attempt: 8 attempts last about 6 s."""
FETCH_WAIT_MS = 10
"""Doubled at every attempt. The embedded broker answers nothing at all where it is 0."""
FETCH_BYTES = 1
"""A broker answers with at least one batch; the records are not looked at."""


async def high_watermarks(
    owner: AIOKafkaConsumer | AIOKafkaAdminClient, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """Exact ends of partitions, asked over the connections of a started aiokafka client.

    The client's own position, assignment and buffers are not touched. aiokafka has no public call for it,
    hence ``owner._client``.

    Raises:
        UnknownTopicOrPartitionError: a partition does not exist.
        KafkaError: Kafka did not answer for all partitions.
    """
    if not partitions:
        return {}
    return await retry(lambda attempt: _watermarks(owner, partitions, FETCH_WAIT_MS << attempt))


async def log_ends(
    owner: AIOKafkaConsumer | AIOKafkaAdminClient, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """Ends as ListOffsets tells them: exact on Apache Kafka, without the right to read that a fetch needs."""
    if not partitions:
        return {}
    return await retry(lambda _: _list_offsets(owner, partitions, LATEST))


async def log_starts(
    owner: AIOKafkaConsumer | AIOKafkaAdminClient, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, int]:
    """The oldest offsets that the partitions still hold; raises as `high_watermarks` does."""
    if not partitions:
        return {}
    return await retry(lambda _: _list_offsets(owner, partitions, EARLIEST))


async def brokers_topics(owner: AIOKafkaAdminClient) -> list[dict[str, int]]:
    """Partition counts of the topics that each broker knows of; brokers learn of a new topic one by one.

    Brokers that cannot be reached are left out.
    """
    client = owner._client
    found = []
    for broker in client.cluster.brokers():
        try:
            answer = await client.send(broker.nodeId, MetadataRequest(allow_auto_topic_creation=False))
        except (NodeNotReadyError, KafkaConnectionError):
            continue
        topics = answer.to_object()["topics"]
        found.append({each["topic"]: len(each["partitions"]) for each in topics})
    return found


async def _watermarks(
    owner: Any, partitions: Collection[TopicPartition], wait_ms: int
) -> dict[TopicPartition, int]:
    starts = await _list_offsets(owner, partitions, LATEST)  # a valid offset at or before the end

    def request(asked: list[TopicPartition]) -> FetchRequest:
        return FetchRequest(
            wait_ms, 0, FETCH_BYTES, 0, _by_topic((each, starts[each], FETCH_BYTES) for each in asked)
        )

    return {each: fields[0] for each, fields in (await _ask_leaders(owner, partitions, request)).items()}


async def _list_offsets(
    owner: Any, partitions: Collection[TopicPartition], when: int
) -> dict[TopicPartition, int]:
    def request(asked: list[TopicPartition]) -> OffsetRequest:
        return OffsetRequest(-1, 0, _by_topic((each, when) for each in asked))

    return {each: fields[1] for each, fields in (await _ask_leaders(owner, partitions, request)).items()}


async def _ask_leaders(
    owner: Any, partitions: Collection[TopicPartition], request: Callable[[list[TopicPartition]], Any]
) -> dict[TopicPartition, tuple[Any, ...]]:
    """Send each leader one request about its partitions; what follows the error code, by partition."""
    client = owner._client
    by_leader = defaultdict(list)
    for each, leader in (await _leaders(client, partitions)).items():
        by_leader[leader].append(each)
    answers = await asyncio.gather(*(client.send(node, request(asked)) for node, asked in by_leader.items()))
    found = {}
    for answer in answers:
        for topic, items in answer.topics:
            for partition, code, *fields in items:
                if (error := for_code(code)) is not NoError:
                    raise error(f"{topic}:{partition}")
                found[TopicPartition(topic, partition)] = tuple(fields)
    if missing := set(partitions) - found.keys():
        raise LeaderNotAvailableError(f"no answer about {sorted(missing)}")
    return found


async def _leaders(client: Any, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    names = sorted({each.topic for each in partitions})
    request = MetadataRequest(names, allow_auto_topic_creation=False)
    answer = await client.send(client.get_random_node(), request)
    leaders = {
        TopicPartition(each["topic"], item["partition"]): item["leader"]
        for each in answer.to_object()["topics"]
        for item in each["partitions"]
    }
    for each in partitions:
        if each not in leaders:
            raise UnknownTopicOrPartitionError(f"{each.topic}:{each.partition}")
        if leaders[each] < 0:
            raise LeaderNotAvailableError(f"{each.topic}:{each.partition}")
    return {each: leaders[each] for each in partitions}


def _by_topic(items: Iterable[tuple[Any, ...]]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    topics = defaultdict(list)
    for (topic, partition), *fields in items:
        topics[topic].append((partition, *fields))
    return list(topics.items())


async def retry(question: Callable[[int], Awaitable[T]]) -> T:
    """Ask again, with growing pauses, while Kafka says that it may help."""
    for attempt in range(ATTEMPTS):
        try:
            return await question(attempt)
        except UnknownTopicOrPartitionError:
            raise
        except KafkaError as error:
            if not error.retriable or attempt == ATTEMPTS - 1:
                raise
        await asyncio.sleep(BACKOFF_SECONDS * 2**attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")
