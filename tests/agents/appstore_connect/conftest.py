"""A local App Store Connect for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.appstore_connect.server import Server


@pytest.fixture
async def apple() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
