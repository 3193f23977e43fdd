"""Literal time and a cleared stage for the tests of the agents."""

from __future__ import annotations

import pytest

from agents.cursor import MemoryCursors
from agents.manual_time import ManualTime
from agents.publisher import MemoryPublisher
from pipeline.metrics import Metrics


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def publisher() -> MemoryPublisher:
    return MemoryPublisher(partitions=2)


@pytest.fixture
def cursors() -> MemoryCursors:
    return MemoryCursors()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()
