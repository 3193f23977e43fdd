"""A client of an embedded ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_driver import Client

from pipeline.embedded.clickhouse import EmbeddedClickHouse


@contextmanager
def client_of(server: EmbeddedClickHouse) -> Iterator[Client]:
    client = Client(**server.client_options())
    try:
        yield client
    finally:
        client.disconnect()
