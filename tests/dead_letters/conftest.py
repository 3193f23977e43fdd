"""A broker and a database of their own for each test of dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pipeline.dead_letters.store import Store
from pipeline.settings import Settings
from tests.dead_letters.worlds import open_store
from tests.sink.worlds import World, new_world


@pytest.fixture
async def world(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(settings(), tmp_path) as made:
        yield made


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    with open_store(world.settings) as opened:
        yield opened
