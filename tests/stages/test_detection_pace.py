"""How often detection makes checkpoints: a state is written once for many mentions, spikes do not wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.batches import Incoming
from pipeline.core.detection import PartitionDetector
from pipeline.emission import Outgoing
from pipeline.metrics import Metrics
from pipeline.stages.detection import CHECKPOINT_PAUSE, CHECKPOINT_RECORDS, Detection, Shard
from pipeline.storm import StormLimit
from pipeline.topics import MENTIONS, SPIKES
from schemas.codec import Message

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Paced:
    """A stage that is asked whether a checkpoint is due; ``ends`` of the partition, look by look."""

    def __init__(self, *ends: int) -> None:
        self.now = NOW
        self.pauses: list[timedelta] = []
        self._ends = list(ends)
        metrics = Metrics()
        unused: Any = SimpleNamespace()
        self.stage = Detection(
            states=unused,
            emit=unused,
            new_detector=unused,
            caught_up=lambda record: record.offset + 1 >= self._ends.pop(0),
            clock=lambda: self.now,
            metrics=metrics,
            limit=StormLimit("detection", metrics, burst=10),
            sleep=self._sleep,
        )
        self.shard = Shard(PartitionDetector(0, "c1", source_idle=timedelta(minutes=10)), events=[None])

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(timedelta(seconds=seconds))
        self.now += timedelta(seconds=seconds)

    async def due(self, offset: int) -> bool:
        return await self.stage._due(self.shard, Incoming(MENTIONS, 0, offset, b"", [], NOW))


async def test_the_last_record_of_a_quiet_partition_is_checkpointed_at_once() -> None:
    paced = Paced(8)
    assert await paced.due(7)
    assert paced.pauses == []


async def test_a_record_with_others_behind_it_waits_for_them() -> None:
    paced = Paced(9)
    assert not await paced.due(7)
    assert paced.pauses == []


async def test_after_a_fresh_checkpoint_more_records_are_awaited() -> None:
    paced = Paced(8, 8)
    paced.shard.checked_at = NOW - timedelta(seconds=0.1)
    assert await paced.due(7)
    assert paced.pauses == [CHECKPOINT_PAUSE - timedelta(seconds=0.1)]


async def test_records_that_came_during_the_pause_share_the_checkpoint() -> None:
    paced = Paced(8, 20)
    paced.shard.checked_at = NOW
    assert not await paced.due(7)


async def test_a_spike_waits_for_nothing() -> None:
    paced = Paced(8)
    paced.shard.checked_at = NOW
    paced.shard.out = [Outgoing(SPIKES, Message(b"", b"", []))]
    assert await paced.due(7)
    assert paced.pauses == []


async def test_many_records_wait_for_nothing() -> None:
    paced = Paced()
    paced.shard.checked_at = NOW
    paced.shard.events = [None] * CHECKPOINT_RECORDS
    assert await paced.due(7)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=365)])
async def test_a_clock_that_steps_back_makes_no_longer_pause(back: timedelta) -> None:
    paced = Paced(8, 8)
    paced.shard.checked_at = NOW + back
    assert await paced.due(7)
    assert paced.pauses == [CHECKPOINT_PAUSE]
