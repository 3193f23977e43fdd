"""A Telegram server for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.telegram.server import Server


@pytest.fixture
async def telegram() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
