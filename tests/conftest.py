"""The servers that the whole suite shares: one embedded broker and one embedded ClickHouse per session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.embedded.broker import EmbeddedBroker
from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.stack import EmbeddedStack
from pipeline.settings import Settings


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """Both servers; tests must not stop them, and use topics, groups and databases of their own."""
    with EmbeddedStack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(stack: EmbeddedStack) -> EmbeddedBroker:
    return stack.broker


@pytest.fixture(scope="session")
def clickhouse(stack: EmbeddedStack) -> EmbeddedClickHouse:
    return stack.clickhouse


@pytest.fixture
def settings(stack: EmbeddedStack) -> Callable[..., Settings]:
    """``settings(partitions=2, clickhouse_database="of_this_test")`` -> `Settings` of the shared servers."""

    def make(**overrides: Any) -> Settings:
        return Settings(**{**stack.info.settings(Settings()).model_dump(), **overrides})

    return make
