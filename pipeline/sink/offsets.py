"""Intents: which offsets storage is about to insert, remembered outside the process, so that a retry after a
crash is the same batch (ADR 0002). With Apache Kafka the intent is the metadata of a fenced commit; the
embedded broker drops metadata: there it is an offset of a second group, not fenced, for one storage worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import OffsetAndMetadata

SPAN_BITS: Final = 20
Commit = Callable[[Mapping[TopicPartition, OffsetAndMetadata]], Awaitable[None]]
"""``AIOKafkaConsumer.commit``: fenced by the group's generation."""
Committed = Callable[[TopicPartition], Awaitable[OffsetAndMetadata | None]]
"""The group's committed offset and metadata, or None where it has not committed."""


class OffsetsOfGroup:
    """The committed offsets of a group, over the connections of a started admin client.

    aiokafka commits for members of a group alone, hence ``admin._client``.
    """

    def __init__(self, admin: Any, group: str) -> None:
        self._admin = admin
        self._group = group

    async def committed(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        """The offset with its metadata, which a consumer does not tell; None where nothing is committed."""
        found = await self._admin.list_consumer_group_offsets(self._group, partitions=[partition])
        place = found.get(partition)
        return None if place is None or place.offset < 0 else place

    async def commit(self, partition: TopicPartition, offset: int) -> None:
        """Commit as nobody's member: only for a group that nobody joins.

        Raises:
            KafkaError: the broker did not take it.
        """
        topic, number = partition
        request = OffsetCommitRequest(
            self._group,
            OffsetCommitRequest.DEFAULT_GENERATION_ID,
            "",
            OffsetCommitRequest.DEFAULT_RETENTION_TIME,
            [(topic, [(number, offset, "")])],
        )
        coordinator = await self._admin.find_coordinator(self._group)
        answer = await self._admin._client.send(coordinator, request)
        error = for_code(answer.topics[0][1][0][1])
        if error is not NoError:
            raise error(f"{self._group} cannot commit {offset} for {partition}")


class Intent(NamedTuple):
    """Offsets ``lo``..``hi``, both included."""

    lo: int
    hi: int


class Intents(Protocol):
    """Where intents live. Either method may raise aiokafka's ``KafkaError``."""

    async def declare(self, partition: TopicPartition, intent: Intent) -> None:
        """Remember durably that the batch ``intent`` is next, and that consumption resumes at its ``lo``."""

    async def pending(self, partition: TopicPartition) -> Intent | None:
        """The intent that was declared and whose end was not committed."""


class KafkaIntents:
    """The intent as a commit: offset ``lo``, metadata ``hi``."""

    def __init__(self, commit: Commit, committed: Committed) -> None:
        self._commit = commit
        self._committed = committed

    async def declare(self, partition: TopicPartition, intent: Intent) -> None:
        await self._commit({partition: OffsetAndMetadata(intent.lo, str(intent.hi))})

    async def pending(self, partition: TopicPartition) -> Intent | None:
        found = await self._committed(partition)
        if found is None or not (found.metadata or "").isdecimal() or int(found.metadata) < found.offset:
            return None
        return Intent(found.offset, int(found.metadata))


class BrokerIntents:
    """The intent as an offset of a second group; valid while the committed offset equals its ``lo``.

    The embedded broker drops metadata but keeps any number as an offset, and keeps it as long as the records.
    A commit costs a hundredth of an insert into a table of intents.
    """

    def __init__(self, commit: Commit, committed: Committed, beside: OffsetsOfGroup) -> None:
        self._commit = commit
        self._committed = committed
        self._beside = beside

    async def declare(self, partition: TopicPartition, intent: Intent) -> None:
        await self._commit({partition: OffsetAndMetadata(intent.lo, "")})  # a fenced worker ends here
        await self._beside.commit(partition, packed(intent))

    async def pending(self, partition: TopicPartition) -> Intent | None:
        declared = await self._beside.committed(partition)
        found = await self._committed(partition)
        if declared is None or found is None:
            return None
        intent = unpacked(declared.offset)
        return intent if intent.lo == found.offset else None


def packed(intent: Intent) -> int:
    """An intent as one number below 2 ** 63: ``lo`` above the 20 bits of its length.

    Raises:
        ValueError: it is longer than a million offsets; a batch of 8 MiB is not.
    """
    if not 0 <= intent.hi - intent.lo < 1 << SPAN_BITS or not 0 <= intent.lo < 1 << (63 - SPAN_BITS):
        raise ValueError(f"{intent} does not fit into one number")
    return intent.lo << SPAN_BITS | (intent.hi - intent.lo)


def unpacked(number: int) -> Intent:
    """The intent that `packed` made a number of."""
    lo, more = number >> SPAN_BITS, number & ((1 << SPAN_BITS) - 1)
    return Intent(lo, lo + more)
