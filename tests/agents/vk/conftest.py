"""A local VK for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.vk.server import Server


@pytest.fixture
async def vk() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
