"""A local App Store for each test, and a reader of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.appstore.server import Server


@pytest.fixture
async def store() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
