"""One contract for both places where intents live.

The ClickHouse table is the real one. Kafka's side is a fake group that behaves as Apache Kafka documents it
(commits replace each other, metadata is kept, a stale generation raises ``CommitFailedError``). The embedded
broker drops metadata, so the real thing can be tested only with Apache Kafka, which a later issue brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata

from pipeline.sink.clickhouse import Clients
from pipeline.sink.offsets import ClickHouseIntents, Intent, Intents, KafkaIntents

PLACE = TopicPartition("molva.posts.enriched", 0)
OTHER = TopicPartition("molva.posts.enriched", 1)


class FakeGroup:
    """A consumer group's committed offsets; Apache Kafka keeps metadata, the embedded broker does not."""

    def __init__(self, *, keeps_metadata: bool) -> None:
        self._keeps_metadata = keeps_metadata
        self._offsets: dict[TopicPartition, OffsetAndMetadata] = {}
        self.fenced = False

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if self.fenced:
            raise CommitFailedError("the group has already rebalanced")
        for place, (offset, metadata) in offsets.items():
            self._offsets[place] = OffsetAndMetadata(offset, metadata if self._keeps_metadata else "")

    async def committed(self, place: TopicPartition) -> OffsetAndMetadata | None:
        return self._offsets.get(place)


Make = Callable[[], Intents]
"""A new process's view of the same intents."""


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(params=["kafka", pytest.param("embedded", marks=pytest.mark.integration)])
def group(request: pytest.FixtureRequest) -> FakeGroup:
    return FakeGroup(keeps_metadata=request.param == "kafka")


@pytest.fixture
def make(group: FakeGroup, request: pytest.FixtureRequest) -> Make:
    if request.node.callspec.params["group"] == "kafka":
        return lambda: KafkaIntents(group.commit, group.committed)
    clients: Clients = request.getfixturevalue("clients")
    executor: ThreadPoolExecutor = request.getfixturevalue("executor")
    return lambda: ClickHouseIntents(clients, executor, "c1", group.commit, group.committed)


async def test_nothing_is_pending_at_first(make: Make) -> None:
    assert await make().pending(PLACE) is None


async def test_pending_until_the_end_is_committed(make: Make, group: FakeGroup) -> None:
    await make().declare(PLACE, Intent(10, 19))
    assert await make().pending(PLACE) == Intent(10, 19)
    await group.commit({PLACE: OffsetAndMetadata(20, "")})
    assert await make().pending(PLACE) is None


async def test_consumption_resumes_at_lo(make: Make, group: FakeGroup) -> None:
    await make().declare(PLACE, Intent(10, 19))
    place = await group.committed(PLACE)
    assert place is not None
    assert place.offset == 10


async def test_partitions_are_apart(make: Make) -> None:
    await make().declare(PLACE, Intent(0, 4))
    await make().declare(OTHER, Intent(0, 9))
    assert await make().pending(PLACE) == Intent(0, 4)
    assert await make().pending(OTHER) == Intent(0, 9)


async def test_the_newest_counts(make: Make, group: FakeGroup) -> None:
    intents = make()
    for lo, hi in ((0, 9), (10, 29), (30, 30)):
        await intents.declare(PLACE, Intent(lo, hi))
        await group.commit({PLACE: OffsetAndMetadata(hi + 1, "")})
    await intents.declare(PLACE, Intent(31, 40))
    assert await make().pending(PLACE) == Intent(31, 40)


async def test_offsets_reset_by_hand_leave_nothing_pending(make: Make, group: FakeGroup) -> None:
    intents = make()
    await intents.declare(PLACE, Intent(0, 9))
    await group.commit({PLACE: OffsetAndMetadata(10, "")})
    await intents.declare(PLACE, Intent(10, 19))
    await group.commit({PLACE: OffsetAndMetadata(0, "")})
    assert await make().pending(PLACE) is None


async def test_zombie_is_fenced(make: Make, group: FakeGroup) -> None:
    intents = make()
    group.fenced = True
    with pytest.raises(CommitFailedError):
        await intents.declare(PLACE, Intent(0, 9))


async def test_foreign_metadata_is_no_intent() -> None:
    group = FakeGroup(keeps_metadata=True)
    intents = KafkaIntents(group.commit, group.committed)
    for metadata in ("", "by hand", "-4", "3"):
        await group.commit({PLACE: OffsetAndMetadata(10, metadata)})
        assert await intents.pending(PLACE) is None


@pytest.mark.integration
async def test_a_clock_that_steps_back(clients: Clients, executor: ThreadPoolExecutor) -> None:
    group = FakeGroup(keeps_metadata=False)
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


@pytest.mark.integration
async def test_another_incarnation_of_the_broker(clients: Clients, executor: ThreadPoolExecutor) -> None:
    group = FakeGroup(keeps_metadata=False)
    before = ClickHouseIntents(clients, executor, "c1", group.commit, group.committed)
    await before.declare(PLACE, Intent(0, 9))
    after = ClickHouseIntents(clients, executor, "c2", group.commit, group.committed)
    assert await after.pending(PLACE) is None
