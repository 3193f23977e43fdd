"""The local IMAP server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.agents.email.server import Server


@pytest.fixture
async def imap() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server
