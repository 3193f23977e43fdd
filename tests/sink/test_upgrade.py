"""The schema goes forward under running workers of the last release: expand, migrate, contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline import topics
from pipeline.settings import Settings
from pipeline.sink.clickhouse import Clients, connect
from pipeline.sink.migrations import LAST_UNLABELLED, Migration, OldWorkers, known, migrate, missing, pending
from pipeline.sink.rows import Entry
from pipeline.sink.workers import Heartbeat, older_than
from pipeline.sink.writer import Writer
from tests.sink.test_revisions import Log, ids, post, posts_alone

RELEASED = json.loads(Path(__file__).with_name("released_inserts.json").read_text(encoding="utf-8"))
"""What storage of the last release inserted, row by row; made anew from its code at each release."""
ALLOWED = {
    "expand": re.compile(
        r"CREATE (TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS |CREATE OR REPLACE VIEW |"
        r"ALTER TABLE \w+ (ADD (COLUMN|INDEX) IF NOT EXISTS |MODIFY (COLUMN IF EXISTS \w+ Enum8\(|SETTING ))"
    ),
    "migrate": re.compile(r"INSERT INTO |ALTER TABLE \w+ (UPDATE|MATERIALIZE) |CREATE TABLE IF NOT EXISTS "),
    "contract": re.compile(r"DROP (TABLE|VIEW) IF EXISTS |ALTER TABLE \w+ (DROP|MODIFY|RENAME) "),
}
NEW = {"revision", "edited_at", "spoken_by", "community_of", "channel_handle", "author_own"}
"""Columns of `posts` that the last release does not know."""
FIRST = Migration(1, "0001_first", "CREATE TABLE IF NOT EXISTS a (x UInt8, y UInt8) ENGINE = Memory;\n")
LATER = Migration(99, "0099_narrow", "-- contract: nobody reads y\nALTER TABLE a DROP COLUMN IF EXISTS y;\n")


@pytest.fixture
def empty(sink_settings: Settings) -> Iterator[Any]:
    """A client; the database of the settings does not exist yet."""
    with connect(sink_settings, "default") as client:
        yield client
        client.execute(f"DROP DATABASE IF EXISTS {sink_settings.clickhouse_database} SYNC")


@pytest.mark.parametrize("migration", known(), ids=lambda each: each.name)
def test_a_migration_does_no_more_than_its_kind_says(migration: Migration) -> None:
    if migration.version > LAST_UNLABELLED:
        assert re.match(r"-- (expand|migrate|contract): \S", migration.sql), "begin with the kind"
    for statement in migration.statements:
        assert ALLOWED[migration.kind].match(statement), statement[:100]
        if migration.kind == "expand":
            assert not re.search(r"\b(DROP|RENAME|CLEAR|MODIFY ORDER BY)\b", statement), statement[:100]


def test_a_file_without_a_kind_is_named() -> None:
    with pytest.raises(ValueError, match=r"0042_new\.sql does not begin with its kind"):
        print(Migration(42, "0042_new", "SELECT 1;").kind)


@pytest.mark.integration
def test_the_last_release_goes_on_inserting_into_the_newest_schema(client: Any) -> None:
    for table, rows in RELEASED["inserts"].items():
        for row in rows:
            names = ", ".join(f"`{name}`" for name in row)
            client.execute(f"INSERT INTO {table} ({names}) VALUES", [tuple(map(_value, row.values()))])
    for table, rows in RELEASED["inserts"].items():
        assert client.execute(f"SELECT count() FROM {table}") == [(len(rows),)], table
    mentions = len(RELEASED["inserts"]["mentions"])
    for rollup in ("mentions_5m", "mentions_1h", "mentions_1d"):
        assert client.execute(f"SELECT sum(mentions) FROM {rollup}") == [(mentions,)]
    assert client.execute("SELECT count() FROM post_ids") == [(len(RELEASED["inserts"]["posts"]),)]
    assert client.execute("SELECT count() FROM mention_ids") == [(mentions,)]
    assert client.execute("SELECT sum(mentions + own_mentions) FROM net_sentiment") == [(mentions,)]
    assert client.execute("SELECT count() FROM spike_history") == [(1,)]
    assert client.execute("SELECT DISTINCT version FROM posts") == [("",)]


@pytest.mark.integration
def test_what_the_last_release_inserts_is_what_this_one_inserts_too(client: Any) -> None:
    """Its columns still exist: none was renamed or given another type under it."""
    for table, rows in RELEASED["inserts"].items():
        there = {name for name, *_ in client.execute(f"DESCRIBE TABLE {table}")}
        assert {name for row in rows for name in row} <= there, table


@pytest.mark.integration
def test_a_batch_that_the_last_release_has_begun(writer: Writer, client: Any) -> None:
    """It stored the first version that came as the post, without its revision; this one repeats the batch."""
    posts = Log(writer, topics.ENRICHED)
    batch = (post(1, 5, "а"), post(2), post(1, 7, "б"), post(2, 9, "в"), post(3, 4, "г"))
    posts.store(*batch, change=by_the_last_release)
    assert ids(client, "posts") == [(1, 0), (2, 0), (3, 0)]
    for _ in range(2):
        assert posts.store(*batch, resumed=True) == 0
    for table in ("posts", "post_ids"):
        assert client.execute(f"SELECT count() FROM {table}") == [(3,)]
    assert ids(client, "post_revisions") == [(1, 5), (1, 7), (2, 9), (3, 4)]
    assert posts.store(*batch) == 5
    assert client.execute("SELECT text FROM latest_posts ORDER BY id") == [("б",), ("в",), ("г",)]


@pytest.mark.integration
def test_contract_steps_wait_to_be_asked_for(empty: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    steps = [FIRST, LATER]
    assert migrate(empty, database, steps) == ["0001_first"]
    assert pending(empty, database, steps) == [], "this release works without the contract step"
    assert [each.name for each in missing(empty, database, steps)] == ["0099_narrow"]
    assert migrate(empty, database, steps, contract=True) == ["0099_narrow"]
    assert missing(empty, database, steps) == []


@pytest.mark.integration
def test_a_contract_step_is_refused_while_an_older_worker_runs(client: Any, sink_settings: Settings) -> None:
    database = sink_settings.clickhouse_database
    newest = known()[-1].version
    steps = [*known(), LATER]
    clients = Clients(lambda: connect(sink_settings))
    with ThreadPoolExecutor(1) as pool:
        Heartbeat(clients, pool, "storage", "0.1.0", newest).report()
        assert [worker.version for worker in older_than(client, LATER.version)] == ["0.1.0"]
        with pytest.raises(OldWorkers, match=r"0099_narrow takes away .*Molva 0\.1\.0"):
            migrate(client, database, steps, contract=True)
        assert [each.name for each in missing(client, database, steps)] == ["0099_narrow"]
        Heartbeat(clients, pool, "storage", "0.2.0", LATER.version).report()
    assert older_than(client, LATER.version) == [], "the same worker, upgraded"
    clients.close()
    gone = "INSERT INTO workers (worker, stage, version, schema, seen_at) VALUES"
    client.execute(gone, [("elsewhere:1", "storage", "0.1.0", 1, datetime(1990, 1, 1, tzinfo=UTC))])
    assert older_than(client, LATER.version) == []


def _value(stored: Any) -> Any:
    """A value of the snapshot as clickhouse-driver takes it."""
    match stored:
        case {"$time": moment}:
            return datetime.fromisoformat(moment)
        case list():
            return [_value(each) for each in stored]
    return stored


def by_the_last_release(entries: Sequence[Entry]) -> list[Entry]:
    """It knows no versions: the first of each post is the post, all others are left out."""
    return [
        entry._replace(row={name: cell for name, cell in entry.row.items() if name not in NEW})
        for entry in posts_alone(entries)
    ]
