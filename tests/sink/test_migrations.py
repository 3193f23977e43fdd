"""Migrations in a real ClickHouse: order, repetition, concurrency, and refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import ChangedMigration, Migration, NewerDatabase, known, migrate, pending

NAMES = [migration.name for migration in known()]
IDEMPOTENT = re.compile(
    r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS\b|CREATE OR REPLACE VIEW\b"
    r"|ALTER TABLE \w+ (\w+ \w+ IF (NOT )?EXISTS\b|MODIFY SETTING\b)"
)
TARGETS = (
    *("posts", "post_ids", "entities", "mentions", "mention_ids"),
    *("spikes", "alerts", "alert_actions", "deletions", "dead_letters"),
)
ROLLUPS = ("mentions_5m", "mentions_1h", "mentions_1d")


@pytest.fixture
def empty(sink_settings: Settings) -> Iterator[Any]:
    """A client; the database of the settings does not exist yet."""
    client = connect(sink_settings, "default")
    yield client
    client.execute(f"DROP DATABASE IF EXISTS {sink_settings.clickhouse_database} SYNC")
    client.disconnect()


def test_files_are_numbered_from_one_and_idempotent() -> None:
    assert [migration.version for migration in known()] == list(range(1, len(NAMES) + 1))
    for migration in known():
        for statement in migration.statements:
            assert IDEMPOTENT.match(statement), statement[:80]


@pytest.mark.integration
def test_migrates_once(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    assert pending(empty, database) == NAMES
    assert migrate(empty, database) == NAMES
    assert pending(empty, database) == []
    assert migrate(empty, database) == []


@pytest.mark.integration
def test_two_at_once(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database

    def once() -> list[str]:
        client = connect(sink_settings, "default")
        try:
            return migrate(client, database)
        finally:
            client.disconnect()

    with ThreadPoolExecutor(3) as pool:
        applied = [future.result() for future in [pool.submit(once) for _ in range(3)]]
    assert sorted({name for names in applied for name in names}) == NAMES
    assert pending(empty, database) == []


@pytest.mark.integration
def test_continues_after_a_crash_within_a_file(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    migrate(empty, database, [])
    for statement in known()[0].statements[:2]:
        empty.execute(statement)
    assert migrate(empty, database) == NAMES


@pytest.mark.integration
def test_refuses_a_changed_file(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    first = Migration(1, "0001_first", "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory;\n")
    migrate(empty, database, [first])
    edited = replace(first, sql=first.sql.replace("UInt8", "UInt16"))
    with pytest.raises(ChangedMigration, match="0001_first"):
        migrate(empty, database, [edited])
    with pytest.raises(ChangedMigration):
        pending(empty, database, [edited])


@pytest.mark.integration
def test_refuses_a_newer_database(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    first = Migration(1, "0001_first", "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory;\n")
    migrate(empty, database, [first, Migration(2, "0002_later", "CREATE VIEW IF NOT EXISTS b AS SELECT 1;")])
    with pytest.raises(NewerDatabase, match="0002_later"):
        migrate(empty, database, [first])


@pytest.mark.integration
def test_every_target_keeps_tokens_and_never_expires_by_event_time(
    client: Any, sink_settings: Settings
) -> None:
    rows = client.execute(
        "SELECT name, create_table_query, partition_key FROM system.tables WHERE database = %(d)s",
        {"d": sink_settings.clickhouse_database},
    )
    tables = {name: (create, partition) for name, create, partition in rows}
    for name in TARGETS + ROLLUPS:
        create, partition = tables[name]
        assert "non_replicated_deduplication_window = 10000" in create, name
        assert "stored_at" not in partition, name
        if found := re.search(r"TTL (.*?) SETTINGS", create):
            assert "stored_at" in found[1], name
