"""A local Google for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.googleplay.server import Server


@pytest.fixture
async def google() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
