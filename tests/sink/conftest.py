"""A migrated database of its own per test, in the shared ClickHouse."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import migrate
from pipeline.sink.writer import Writer


@pytest.fixture
def sink_settings(settings: Callable[..., Settings]) -> Settings:
    return settings(clickhouse_database=f"t_{uuid.uuid4().hex}")


@pytest.fixture
def client(sink_settings: Settings) -> Iterator[Any]:
    """A client in an empty, migrated database."""
    admin = connect(sink_settings, "default")
    migrate(admin, sink_settings.clickhouse_database)
    yield admin
    admin.execute(f"DROP DATABASE {sink_settings.clickhouse_database} SYNC")
    admin.disconnect()


@pytest.fixture
def clients(client: Any, sink_settings: Settings) -> Iterator[Clients]:
    made = Clients(lambda: connect(sink_settings))
    yield made
    made.close()


@pytest.fixture
def writer(clients: Clients) -> Writer:
    return Writer(clients)
