"""One contract for both places where intents live: metadata of Apache Kafka, offsets of the embedded broker.

Both are the real ones. Beside the offsets of the embedded broker stands a fake of the group that storage
joins (a real one makes each test wait 3 s): commits replace each other, metadata is dropped, a stale member's
commit raises ``CommitFailedError``. With the real group: ``tests/integration/test_storage.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import OffsetAndMetadata

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.kafka import EmbeddedKafka
from pipeline.kafka import KafkaAdmin, TopicSpec, client_options
from pipeline.settings import Settings
from pipeline.sink.offsets import (
    SPAN_BITS,
    BrokerIntents,
    Intent,
    Intents,
    KafkaIntents,
    OffsetsOfGroup,
    packed,
    unpacked,
)
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
        self.committed = OffsetsOfGroup(admin, storage.GROUP).committed

    async def fence(self) -> None:
        """As an administrator removes a member, whom the brokers do not tell."""
        coordinator = self._consumer._coordinator
        request = LeaveGroupRequest(storage.GROUP, coordinator.member_id)
        node = await self._admin.find_coordinator(storage.GROUP)
        answer = await self._admin._client.send(node, request)
        assert answer.error_code == 0


Make = Callable[[], Intents]
"""A new process's view of the same intents."""


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
async def beside(tmp_path: Path) -> AsyncIterator[OffsetsOfGroup]:
    """A second group of an embedded broker."""
    with EmbeddedBroker(tmp_path) as broker:
        settings = broker.settings(Settings(partitions=2))
        async with KafkaAdmin(settings) as topics:
            await topics.ensure_topics([TopicSpec(PLACE.topic, 2, {})])
        admin = AIOKafkaAdminClient(**client_options(settings))
        try:
            await admin.start()
            yield OffsetsOfGroup(admin, storage.INTENTS)
        finally:
            await admin.close()


@pytest.fixture
def make(group: Group, beside: OffsetsOfGroup, request: pytest.FixtureRequest) -> Make:
    if request.node.callspec.params["group"] == "kafka":
        return lambda: KafkaIntents(group.commit, group.committed)
    return lambda: BrokerIntents(group.commit, group.committed, beside)


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


async def test_a_zombie_leaves_no_intent(beside: OffsetsOfGroup) -> None:
    group = FakeGroup()
    await group.commit({PLACE: OffsetAndMetadata(0, "")})
    zombie = BrokerIntents(group.commit, group.committed, beside)
    await group.fence()
    with pytest.raises(CommitFailedError):
        await zombie.declare(PLACE, Intent(0, 9))
    assert await zombie.pending(PLACE) is None


@pytest.mark.parametrize(
    "intent",
    [
        Intent(0, 0),
        Intent(0, 9),
        Intent(7, 7 + 2**SPAN_BITS - 1),
        Intent(2**43 - 1, 2**43 + 2**SPAN_BITS - 2),
    ],
)
def test_an_intent_is_one_number(intent: Intent) -> None:
    assert unpacked(packed(intent)) == intent
    assert 0 <= packed(intent) < 2**63


@pytest.mark.parametrize(
    "intent", [Intent(5, 4), Intent(0, 2**SPAN_BITS), Intent(2**43, 2**43), Intent(-1, 0)]
)
def test_what_fits_into_no_number_is_refused(intent: Intent) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        packed(intent)
