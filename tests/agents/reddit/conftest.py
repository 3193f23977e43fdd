"""A local Reddit for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.reddit.server import Server


@pytest.fixture
async def site() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
