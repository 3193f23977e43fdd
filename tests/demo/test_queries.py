"""The example queries of the closing report, on a real ClickHouse with Molva's tables."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.demo.report import QUERIES
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import migrate

pytestmark = pytest.mark.integration


@pytest.fixture
def client(settings: Callable[..., Settings]) -> Iterator[Any]:
    own = settings(clickhouse_database=f"demo_{uuid.uuid4().hex}")
    admin = connect(own, "default")
    migrate(admin, own.clickhouse_database)
    reader = connect(own)
    yield reader
    reader.disconnect()
    admin.execute(f"DROP DATABASE {own.clickhouse_database} SYNC")
    admin.disconnect()


@pytest.mark.parametrize("query", QUERIES)
def test_the_query_runs(client: Any, query: str) -> None:
    assert client.execute(query) == []
