"""Intents: which offsets storage is about to insert, remembered outside the process, so that a retry after a
crash is the same batch (ADR 0002). With Apache Kafka the intent is the metadata of a fenced commit; the
embedded broker drops metadata, so there it is a row in ClickHouse, without fencing, for one storage worker.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import NamedTuple, Protocol, TypeVar

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from pipeline.sink.clickhouse import Clients

T = TypeVar("T")
Commit = Callable[[Mapping[TopicPartition, OffsetAndMetadata]], Awaitable[None]]
"""``AIOKafkaConsumer.commit``: fenced by the group's generation."""
Committed = Callable[[TopicPartition], Awaitable[OffsetAndMetadata | None]]
"""The group's committed offset and metadata, or None where it has not committed."""


class Intent(NamedTuple):
    """Offsets ``lo``..``hi``, both included."""

    lo: int
    hi: int


class Intents(Protocol):
    """Where intents live. Either method may raise `Unavailable` or aiokafka's ``KafkaError``."""

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


class ClickHouseIntents:
    """The intent as a row of ``sink_intents``, valid while the committed offset equals its ``lo``."""

    def __init__(
        self,
        clients: Clients,
        executor: Executor,
        cluster: str,
        commit: Commit,
        committed: Committed,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clients = clients
        self._executor = executor
        self._cluster = cluster
        self._commit = commit
        self._committed = committed
        self._clock_ns = clock_ns
        self._version: dict[TopicPartition, int] = {}

    async def declare(self, partition: TopicPartition, intent: Intent) -> None:
        # A clock that steps back must not make an old intent the newest.
        version = max(self._clock_ns(), self._version.get(partition, 0) + 1)
        await self._in_thread(lambda: self._put(partition, intent, version))
        self._version[partition] = version
        await self._commit({partition: OffsetAndMetadata(intent.lo, "")})

    async def pending(self, partition: TopicPartition) -> Intent | None:
        newest = await self._in_thread(lambda: self._newest(partition))
        if newest is None:
            return None
        intent, self._version[partition] = newest
        found = await self._committed(partition)
        return intent if found is not None and found.offset == intent.lo else None

    def _put(self, partition: TopicPartition, intent: Intent, version: int) -> None:
        row = (self._cluster, partition.topic, partition.partition, *intent, version)
        columns = "cluster, topic, partition, lo, hi, version"
        with self._clients.client() as client:
            client.execute(
                f"INSERT INTO sink_intents ({columns}) VALUES", [row], settings={"async_insert": 0}
            )

    def _newest(self, partition: TopicPartition) -> tuple[Intent, int] | None:
        query = """
            SELECT lo, hi, version FROM sink_intents
            WHERE cluster = %(cluster)s AND topic = %(topic)s AND partition = %(partition)s
            ORDER BY version DESC LIMIT 1"""
        where = {"cluster": self._cluster, "topic": partition.topic, "partition": partition.partition}
        with self._clients.client() as client:
            rows = client.execute(query, where)
        return (Intent(rows[0][0], rows[0][1]), rows[0][2]) if rows else None

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
