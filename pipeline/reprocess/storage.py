"""What storage is doing meanwhile: how far it has read, whether its inserts are finished and committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from aiokafka import TopicPartition
from clickhouse_driver import Client

from pipeline import topics
from pipeline.kafka import KafkaAdmin
from pipeline.reprocess.ledger import Run
from pipeline.reprocess.period import ReprocessError
from pipeline.reprocess.replacement import HELD
from pipeline.settings import Settings
from pipeline.stages.storage import GROUP

PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.2

T = TypeVar("T")
Offsets = Mapping[TopicPartition, int]


class StoragePosition:
    """The storage stage as Kafka and ClickHouse see it."""

    def __init__(self, settings: Settings, client: Client, patience: float = PATIENCE_S) -> None:
        self._settings = settings
        self._client = client
        self._patience = patience

    def check_permission(self) -> None:
        """Raises:
        ReprocessError: this user of ClickHouse does not see the inserts of others.
        """
        if self._client.execute("CHECK GRANT SELECT ON system.processes") != [(1,)]:
            raise ReprocessError(
                "this ClickHouse user does not see the inserts of others: GRANT SELECT ON system.processes "
                "to it, or set MOLVA_CLICKHOUSE_USER=molva_owner"
            )

    def await_mentions(self) -> None:
        """Return when storage has read all mentions that are in Kafka now.

        So those of posts whose analysis was just made anew are stored, and none of them comes afterwards.
        """
        ends = asyncio.run(self._ends())
        self._await(ends, "storage is behind on molva.mentions")

    def await_inserts(self, database: str) -> None:
        """Return when the inserts that run now have ended."""
        query = """SELECT query_id FROM system.processes
                   WHERE query_kind IN ('Insert', 'AsyncInsertFlush') AND current_database = %(d)s"""

        def running() -> set[str]:
            return {name for (name,) in self._client.execute(query, {"d": database})}

        first = running()
        deadline = time.monotonic() + self._patience
        while first & running():
            if time.monotonic() > deadline:
                raise ReprocessError("an insert into ClickHouse does not end; nothing was replaced")
            time.sleep(_POLL_S)

    def await_commits(self, run: Run) -> None:
        """Return when storage has committed all that it has inserted into the months of ``run``.

        Else a batch that it must repeat would meet partitions that have forgotten its token.
        """
        cluster = asyncio.run(self._cluster())
        stored: dict[TopicPartition, int] = {}
        for table in HELD:
            query = f"""SELECT _topic, _partition, max(_offset) + 1 FROM {table}
                        WHERE toYYYYMM(created_at) IN %(months)s AND _cluster = %(cluster)s GROUP BY 1, 2"""
            for topic, partition, end in self._client.execute(
                query, {"months": list(run.months), "cluster": cluster}
            ):
                place = TopicPartition(topic, partition)
                stored[place] = max(end, stored.get(place, 0))
        self._await(stored, "storage has not committed what it inserted")

    def _await(self, wanted: Offsets, what: str) -> None:
        deadline = time.monotonic() + self._patience
        while behind := asyncio.run(self._behind(wanted)):
            if time.monotonic() > deadline:
                place, missing = max(behind.items(), key=lambda each: each[1])
                raise ReprocessError(
                    f"{what}: {missing} records of {place.topic}, partition {place.partition}, after "
                    f"{self._patience:.0f} s. Nothing was replaced. See that storage runs (`molva status`), "
                    "then run `molva reprocess --resume`"
                )
            time.sleep(_POLL_S)

    async def _behind(self, wanted: Offsets) -> dict[TopicPartition, int]:
        async def ask(admin: KafkaAdmin) -> dict[TopicPartition, int]:
            committed = await admin.committed_offsets(GROUP, list(wanted))
            found = {place: end - (committed[place] or 0) for place, end in wanted.items()}
            return {place: missing for place, missing in found.items() if missing > 0}

        return await self._with_admin(ask)

    async def _ends(self) -> Offsets:
        return await self._with_admin(lambda admin: admin.end_offsets([topics.MENTIONS]))

    async def _cluster(self) -> str:
        return await self._with_admin(lambda admin: admin.cluster_id())

    async def _with_admin(self, ask: Callable[[KafkaAdmin], Awaitable[T]]) -> T:
        async with KafkaAdmin(self._settings) as admin:
            return await ask(admin)
