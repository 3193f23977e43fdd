"""A local site, and time that jumps, for the tests of `agents.web`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agents.manual_time import JumpingTime
from tests.agents.web.site import Site, running


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as site:
        yield site


@pytest.fixture
def jumping() -> JumpingTime:
    return JumpingTime()
