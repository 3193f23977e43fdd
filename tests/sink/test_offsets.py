"""One contract for both places where intents live: a commit of Apache Kafka, and a table of ClickHouse.

Both are the real ones. Beside ClickHouse stands a fake group with what matters of the embedded broker:
commits replace each other, metadata is dropped, a stale member's commit raises ``CommitFailedError``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import OffsetAndMetadata

from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients
from pipeline.sink.offsets import ClickHouseIntents, Intent, Intents, KafkaIntents
from pipeline.stages import storage

pytestmark = pytest.mark.integration

PLACE = TopicPartition("test.offsets", 0)
OTHER = TopicPartition("test.offsets", 1)


class Group(Protocol):
    """One member of a consumer group, which owns both partitions."""

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None: ...
    async def committed(self, place: TopicPartition) -> OffsetAndMetadata | None: ...
    async def fence(self) -> None:
        """The group goes on without the member, which does not know it yet."""


class FakeGroup:
    """The embedded broker's: it drops the metadata of commits."""

    def __init__(self) -> None:
        self._offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        self._fenced = False

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if self._fenced:
            raise CommitFailedError("the group has already rebalanced")
        self._offsets |= {place: OffsetAndMetadata(offset, "") for place, (offset, _) in offsets.items()}

    async def committed(self, place: TopicPartition) -> OffsetAndMetadata | None:
        return self._offsets.get(place)

    async def fence(self) -> None:
        self._fenced = True


class KafkaGroup:
    """A group of the storage stage on a broker of Apache Kafka."""

    def __init__(self, consumer: Any, admin: Any) -> None:
        self._consumer = consumer
        self._admin = admin
        self.commit = consumer.commit
        self.committed = storage.committed_by_group(admin)

    async def fence(self) -> None:
        """As an administrator removes a member, whom the brokers do not tell."""
        coordinator = self._consumer._coordinator
        request = LeaveGroupRequest(storage.GROUP, coordinator.member_id)
        node = await self._admin.find_coordinator(storage.GROUP)
        answer = await self._admin._client.send(node, request)
        assert answer.error_code == 0


Make = Callable[[], Intents]
"""A new process's view of the same intents."""


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(params=["kafka", "embedded"])
async def group(request: pytest.FixtureRequest) -> AsyncIterator[Group]:
    if request.param == "embedded":
        yield FakeGroup()
        return
    kafka, monkeypatch = request.getfixturevalue("kafka"), request.getfixturevalue("monkeypatch")
    async with kafka_group(kafka, monkeypatch) as joined:
        yield joined


@asynccontextmanager
async def kafka_group(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KafkaGroup]:
    """The only member of a new group."""
    monkeypatch.setattr(storage, "GROUP", f"{storage.GROUP}-{uuid4().hex}")
    settings = kafka.settings(Settings(partitions=2))
    async with KafkaAdmin(settings) as topics:
        await topics.ensure_topics([TopicSpec(PLACE.topic, 2, {})])
    admin = AIOKafkaAdminClient(**client_options(settings))
    consumer = AIOKafkaConsumer(**client_options(settings), **storage.consumer_options(settings))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        await admin.start()
        stack.push_async_callback(consumer.stop)
        await consumer.start()
        assigned = Assigned()
        consumer.subscribe([PLACE.topic], listener=assigned)
        await assigned.wait()
        yield KafkaGroup(consumer, admin)


class Assigned(asyncio.Event, ConsumerRebalanceListener):  # type: ignore[misc]
    """Set as soon as the consumer has partitions."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None: ...


@pytest.fixture
def make(group: Group, request: pytest.FixtureRequest) -> Make:
    if request.node.callspec.params["group"] == "kafka":
        return lambda: KafkaIntents(group.commit, group.committed)
    clients: Clients = request.getfixturevalue("clients")
    executor: ThreadPoolExecutor = request.getfixturevalue("executor")
    return lambda: ClickHouseIntents(clients, executor, "c1", group.commit, group.committed)


async def test_nothing_is_pending_at_first(make: Make) -> None:
    assert await make().pending(PLACE) is None


async def test_pending_until_the_end_is_committed(make: Make, group: Group) -> None:
    await make().declare(PLACE, Intent(10, 19))
    assert await make().pending(PLACE) == Intent(10, 19)
    await group.commit({PLACE: OffsetAndMetadata(20, "")})
    assert await make().pending(PLACE) is None


async def test_consumption_resumes_at_lo(make: Make, group: Group) -> None:
    await make().declare(PLACE, Intent(10, 19))
    place = await group.committed(PLACE)
    assert place is not None
    assert place.offset == 10


async def test_partitions_are_apart(make: Make) -> None:
    await make().declare(PLACE, Intent(0, 4))
    await make().declare(OTHER, Intent(0, 9))
    assert await make().pending(PLACE) == Intent(0, 4)
    assert await make().pending(OTHER) == Intent(0, 9)


async def test_the_newest_counts(make: Make, group: Group) -> None:
    intents = make()
    for lo, hi in ((0, 9), (10, 29), (30, 30)):
        await intents.declare(PLACE, Intent(lo, hi))
        await group.commit({PLACE: OffsetAndMetadata(hi + 1, "")})
    await intents.declare(PLACE, Intent(31, 40))
    assert await make().pending(PLACE) == Intent(31, 40)


async def test_offsets_reset_by_hand_leave_nothing_pending(make: Make, group: Group) -> None:
    intents = make()
    await intents.declare(PLACE, Intent(0, 9))
    await group.commit({PLACE: OffsetAndMetadata(10, "")})
    await intents.declare(PLACE, Intent(10, 19))
    await group.commit({PLACE: OffsetAndMetadata(0, "")})
    assert await make().pending(PLACE) is None


async def test_zombie_is_fenced(make: Make, group: Group) -> None:
    intents = make()
    await group.fence()
    with pytest.raises(CommitFailedError):
        await intents.declare(PLACE, Intent(0, 9))


async def test_foreign_metadata_is_no_intent(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    async with kafka_group(kafka, monkeypatch) as group:
        intents = KafkaIntents(group.commit, group.committed)
        for metadata in ("", "by hand", "-4", "3"):
            await group.commit({PLACE: OffsetAndMetadata(10, metadata)})
            assert await intents.pending(PLACE) is None


async def test_a_clock_that_steps_back(clients: Clients, executor: ThreadPoolExecutor) -> None:
    group = FakeGroup()
    ticks = iter([1000, 10, 5])
    intents = ClickHouseIntents(
        clients, executor, "c1", group.commit, group.committed, clock_ns=lambda: next(ticks)
    )
    for lo in (0, 10):
        await intents.declare(PLACE, Intent(lo, lo + 9))
    again = ClickHouseIntents(
        clients, executor, "c1", group.commit, group.committed, clock_ns=lambda: next(ticks)
    )
    assert await again.pending(PLACE) == Intent(10, 19)
    await again.declare(PLACE, Intent(20, 29))
    assert await again.pending(PLACE) == Intent(20, 29)


async def test_another_incarnation_of_the_broker(clients: Clients, executor: ThreadPoolExecutor) -> None:
    group = FakeGroup()
    before = ClickHouseIntents(clients, executor, "c1", group.commit, group.committed)
    await before.declare(PLACE, Intent(0, 9))
    after = ClickHouseIntents(clients, executor, "c2", group.commit, group.committed)
    assert await after.pending(PLACE) is None
