"""Waiting for the end of the pipeline, with offsets told by a script."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import TopicPartition

from pipeline.drain import HOPS, NotDrained, drain
from pipeline.topics import BASELINES, DEAD_LETTERS, MENTIONS, RAW

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Broker:
    """Every topic has one partition with 10 records; each look at a group finds it ``step`` further."""

    def __init__(self, step: int, stuck: str = "") -> None:
        self.step = step
        self.stuck = stuck
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self.asked: list[str] = []

    async def end_offsets(self, topics: Iterable[str]) -> Mapping[TopicPartition, int]:
        return {TopicPartition(topic, 0): 10 for topic in topics}

    async def committed_offsets(
        self, group: str, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int | None]:
        self.asked.append(group)
        answer: dict[TopicPartition, int | None] = {}
        for place in partitions:
            before = self.committed.get((group, place))
            answer[place] = before
            if group != self.stuck:
                self.committed[group, place] = min(10, (before or 0) + self.step)
        return answer


class Time:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def test_groups_are_awaited_from_upstream_to_downstream() -> None:
    broker, time, seen = Broker(step=3), Time(), []
    await drain(
        broker, time, timedelta(seconds=5), lambda group, left: seen.append((group, left)), time.sleep
    )
    groups = [hop.group for hop in HOPS]
    assert list(dict.fromkeys(broker.asked)) == groups
    assert [left for group, left in seen if group == groups[0]] == [10, 7, 4, 1, 0]
    assert seen[-1] == (groups[-1], 0)


async def test_a_group_that_stands_still_is_named() -> None:
    time = Time()
    with pytest.raises(NotDrained, match="molva-detection stands still with 20 records"):
        await drain(Broker(3, stuck="molva-detection"), time, timedelta(seconds=5), sleep=time.sleep)
    assert time.now - T0 >= timedelta(seconds=5)


def test_the_first_hop_reads_what_agents_publish_and_detection_reads_mentions() -> None:
    assert HOPS[0].topics == (RAW,)
    assert HOPS[1].topics == (MENTIONS, BASELINES)


async def test_dead_letters_of_storage_itself_are_awaited() -> None:
    class Bad(Broker):
        """Storage finds three bad records while it is awaited."""

        async def end_offsets(self, topics: Iterable[str]) -> Mapping[TopicPartition, int]:
            found = 3 if "molva-storage" in self.asked else 0
            return {TopicPartition(topic, 0): found if topic == DEAD_LETTERS else 10 for topic in topics}

        async def committed_offsets(
            self, group: str, partitions: Collection[TopicPartition]
        ) -> Mapping[TopicPartition, int | None]:
            answer = await super().committed_offsets(group, partitions)
            for place in partitions:
                if place.topic == DEAD_LETTERS:
                    ends = await self.end_offsets([DEAD_LETTERS])
                    self.committed[group, place] = min(ends[place], (answer[place] or 0) + self.step)
            return answer

    broker, time = Bad(step=1), Time()
    await drain(broker, time, timedelta(seconds=5), sleep=time.sleep)
    assert broker.committed["molva-storage", TopicPartition(DEAD_LETTERS, 0)] == 3
