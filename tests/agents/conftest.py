"""Literal time and a cleared stage for the tests of the agents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from agents.cursor import MemoryCursors
from agents.manual_time import ManualTime
from pipeline.metrics import Metrics
from tests.agents.memory_publisher import MemoryPublisher
from tests.agents.rss.server import FeedServer


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


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    feeds = FeedServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", feeds.answer)
    runner = feeds.runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        feeds.address = "http://{}:{}".format(*runner.addresses[0])
        yield feeds
    finally:
        await runner.cleanup()
