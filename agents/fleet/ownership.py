"""Which agents this process runs: those whose partition of ``molva.agents.cursors`` the group gave it.

A member reads a partition to its end before it begins, so it goes on where the last owner stopped. Its
membership is proved every second or two by a commit, which Kafka takes of members of the present generation
only; the agents are stopped at the moment at which the last proof is no longer good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from agents.base import Sleep
from agents.fleet.cursor_rows import Rows, put
from agents.fleet.lease import Lease, Monotonic, boot_time
from agents.waiting import cancel
from pipeline.condition import KAFKA, PARTITIONS, Condition
from pipeline.kafka import client_options
from pipeline.kafka_link import link_trouble
from pipeline.kafka_offsets import high_watermarks
from pipeline.permissions import AGENTS as GROUP
from pipeline.settings import Settings
from pipeline.topics import AGENT_CURSORS

SESSION_SECONDS = 10.0
LEASE_SHARE = 0.7
"""Of the session time-out: how long a proof of membership is good for."""
PROOFS_PER_LEASE = 4
LOOK_SECONDS = 1.0
"""The lease is looked at as often at least: a timer does not count the sleep of the machine."""
POLL_MS = 500

log = logging.getLogger("molva.agents")


class Tenant(Protocol):
    """Who runs the agents of the owned partitions."""

    async def begin(self, partition: int, rows: Rows, lease: Lease) -> None:
        """Run the agents of a partition; ``rows`` are all that stands in it. Called again after `end`."""
        ...

    async def told(self, partition: int, key: str, value: bytes | None) -> None:
        """Somebody, perhaps this process, has written a row of a partition whose agents run."""
        ...

    def halt(self, partition: int) -> None:
        """Let the agents of a partition do nothing more, from this moment on; `end` follows."""
        ...

    async def end(self, partition: int, *, orderly: bool) -> None:
        """Stop the agents of a partition; ``orderly``: what they have published may still be confirmed."""
        ...


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]
    """The membership of one process, its poll loop and its rebalance listener."""

    def __init__(
        self,
        consumer: Any,
        tenant: Tenant,
        condition: Condition,
        *,
        session_seconds: float = SESSION_SECONDS,
        monotonic: Monotonic = boot_time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """``consumer``: of `new_consumer`, with the same ``session_seconds``."""
        self._consumer = consumer
        self._tenant = tenant
        self._condition = condition
        self._lease_seconds = session_seconds * LEASE_SHARE
        self._monotonic = monotonic
        self._sleep = sleep
        self._busy = asyncio.Lock()
        self._lease = Lease(self._lease_seconds, monotonic)
        self._reading: dict[TopicPartition, int] = {}
        """Partitions that are read, and their ends."""
        self._rows: dict[TopicPartition, Rows] = {}
        """Of partitions that were read to their ends, or are being read."""
        self._running: set[TopicPartition] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Own what the group gives until ``stop``, then end it in order.

        Raises:
            KafkaError: Kafka refuses for good.
        """
        self._consumer.subscribe([AGENT_CURSORS], listener=self)
        stopping = asyncio.ensure_future(stop.wait())
        working = [
            asyncio.ensure_future(work) for work in (self._prove(), self._watch(), self._poll_forever())
        ]
        try:
            await asyncio.wait((stopping, *working), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel(stopping, working[-1])
            async with self._busy:
                await self._end(orderly=stop.is_set())  # the lease is renewed until all has ended
            await cancel(*working)
        for task in working:
            if not task.cancelled():
                task.result()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop before another process may begin."""
        async with self._busy:
            self._condition.unwell(PARTITIONS, "not assigned")
            try:
                await self._end(orderly=True)
            finally:
                self._lease.end()
                self._rows.clear()
                self._reading.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Read what was assigned from its beginning; the polls do it, and begin."""
        async with self._busy:
            places = set(assigned)
            self._lease = Lease(self._lease_seconds, self._monotonic)
            if places:
                await self._consumer.seek_to_beginning(*places)
            self._rows = {place: {} for place in places}
            self._reading = dict.fromkeys(places, -1)
            self._condition.well(PARTITIONS)
            log.info("%d partitions of %s are ours", len(places), AGENT_CURSORS)

    async def _poll_forever(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=POLL_MS)
            async with self._busy:
                for place, records in found.items():
                    for record in records:
                        await self._take(place, record.key.decode(), record.value)
                await self._begin_what_was_read()
            self._condition.trouble(KAFKA, "consumer", link_trouble(self._consumer))

    async def _take(self, place: TopicPartition, key: str, value: bytes | None) -> None:
        rows = self._rows.get(place)
        if rows is None:
            return  # polled just before it was revoked
        if place in self._running:
            await self._tenant.told(place.partition, key, value)
        else:
            put(rows, key, value)

    async def _begin_what_was_read(self) -> None:
        if unknown := [place for place, end in self._reading.items() if end < 0]:
            self._reading |= await high_watermarks(self._consumer, unknown)
        for place, end in list(self._reading.items()):
            if await self._consumer.position(place) >= end:
                del self._reading[place]
        if self._lease.held:
            for place in set(self._rows) - set(self._reading) - self._running:
                self._running.add(place)
                await self._tenant.begin(place.partition, self._rows[place], self._lease)

    async def _prove(self) -> None:
        """Show again and again that this process is a member."""
        while True:
            asked_at, lease = self._monotonic(), self._lease
            places = set(self._rows)
            try:
                async with asyncio.timeout(self._lease_seconds / 2):
                    if places:
                        await self._consumer.commit(dict.fromkeys(places, OffsetAndMetadata(0, "")))
                        lease.proved(asked_at)
            except (KafkaError, IllegalStateError, TimeoutError) as error:
                log.info("membership is not proved: %r", error)
            await self._sleep(self._lease_seconds / PROOFS_PER_LEASE)

    async def _watch(self) -> None:
        """Stop the agents when the lease runs out, also while something else waits for Kafka."""
        while True:
            if self._running and not self._lease.held:
                log.warning("Kafka does not confirm that our agents are ours: stopping them")
                for place in self._running:
                    self._tenant.halt(place.partition)
                async with self._busy:
                    await self._end(orderly=False)
            await self._sleep(min(self._lease.left, LOOK_SECONDS) or LOOK_SECONDS)

    async def _end(self, *, orderly: bool) -> None:
        running, self._running = self._running, set()
        ends = (self._tenant.end(place.partition, orderly=orderly) for place in running)
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.error("the agents of a partition did not end well", exc_info=outcome)


def new_consumer(settings: Settings, session_seconds: float = SESSION_SECONDS) -> Any:
    """A member of the group of fleets; its commits only prove membership."""
    session_ms = int(session_seconds * 1000)
    return AIOKafkaConsumer(
        **client_options(settings),
        group_id=GROUP,
        client_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 5,
        rebalance_timeout_ms=max(session_ms, 15_000),
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
