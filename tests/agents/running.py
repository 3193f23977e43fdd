"""Posts and runners for the tests of `agents.runner`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agents.base import Found
from agents.cursor import MemoryCursors
from agents.list_source import ListSource
from agents.manual_time import NOON, ManualTime
from agents.runner import Runner
from pipeline.metrics import Metrics
from schemas import RawPost
from tests.agents.memory_publisher import MemoryPublisher

START = datetime(2014, 7, 24, tzinfo=UTC)


def post(number: int, **fields: Any) -> RawPost:
    return RawPost(
        source="test",
        native_id=str(number),
        created_at=START + timedelta(minutes=number),
        collected_at=NOON,
        text=f"text {number}",
        **fields,
    )  # type: ignore[call-arg]


def found(count: int) -> list[Found]:
    return [Found(post(number), f"one:{number}") for number in range(count)]


def runner_of(
    source: ListSource, publisher: MemoryPublisher, cursors: MemoryCursors, time: ManualTime, **more: Any
) -> Runner:
    metrics = more.pop("metrics", None) or Metrics()
    return Runner(
        source, publisher, cursors, metrics, clock=time.clock, sleep=time.sleep, jitter=lambda: 0.0, **more
    )
