"""The schema of a ClickHouse cluster, as far as one engine without Keeper can show it.

A real engine parses every statement as it is. What runs without Keeper runs: the same statements without
``ON CLUSTER`` and ``Replicated``, with the tables over all shards, on a server that is a cluster of one.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client

from pipeline.sink.migrations import known, migrate, on_cluster
from pipeline.sink.replicated import ALL, LOCAL, replicated, tables_of

pytestmark = pytest.mark.integration

CLUSTER = "molva"
STATEMENTS = [statement for each in known() for statement in each.statements]
TABLES = tables_of(STATEMENTS)
CONFIG = """
<clickhouse>
    <listen_host>127.0.0.1</listen_host><tcp_port>{port}</tcp_port><path>{data}/</path>
    <remote_servers><molva><shard><internal_replication>true</internal_replication>
        <replica><host>127.0.0.1</host><port>{port}</port></replica></shard></molva></remote_servers>
    <logger><level>none</level></logger>
</clickhouse>
"""
MENTION = "INSERT INTO mentions (object_id, object_kind, timeline, post_id, created_at, label, source) VALUES"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that is the only shard of the cluster ``molva``."""
    directory = tmp_path_factory.mktemp("cluster")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "config.xml").write_text(CONFIG.format(port=port, data=directory / "data"), encoding="utf-8")
    serve = [sys.executable, str(Path(__file__).with_name("serve_clickhouse.py"))]
    server = subprocess.Popen(
        serve, cwd=directory, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None and server.stdout is not None
    with server:
        assert server.stdout.readline().strip() == b"listening"
        with Client("127.0.0.1", port=port, settings={"network_compression_method": "lz4"}) as connected:
            yield connected
        server.stdin.close()


def alone(statement: str) -> str:
    """A statement for the cluster as a server without Keeper can run it."""
    plain = statement.replace(f" ON CLUSTER {CLUSTER}", "").replace("ENGINE = Replicated", "ENGINE = ")
    return re.sub(r"\breplicated_deduplication_window", "non_replicated_deduplication_window", plain)


def made_for_a_cluster() -> list[str]:
    return [statement for each in known() for statement in on_cluster(each.statements, known(), CLUSTER)]


def test_a_server_gets_the_statements_as_they_are_written() -> None:
    assert on_cluster(STATEMENTS, known(), "") == STATEMENTS


@pytest.mark.parametrize("number", range(len(STATEMENTS)), ids=lambda number: STATEMENTS[number][:60])
def test_the_engine_parses_every_statement(client: Any, number: int) -> None:
    for statement in replicated(STATEMENTS[number], CLUSTER, TABLES):
        parsed = client.execute("SELECT formatQuerySingleLine(%(s)s)", {"s": statement})[0][0]
        assert f"ON CLUSTER {CLUSTER}" in parsed
        assert "non_replicated" not in parsed
        if parsed.startswith("CREATE TABLE"):
            assert re.search(
                r"ENGINE = (Replicated(Replacing|Aggregating)MergeTree|Distributed)\b", parsed
            ), parsed


def test_without_the_words_of_the_cluster_it_is_the_same_schema(client: Any) -> None:
    written = [
        client.execute("SELECT formatQuerySingleLine(%(s)s)", {"s": each})[0][0] for each in STATEMENTS
    ]
    made = [replicated(each, CLUSTER, TABLES)[0] for each in STATEMENTS]
    back = [
        client.execute("SELECT formatQuerySingleLine(%(s)s)", {"s": alone(each).replace(f" {ALL}", " ")})[0][
            0
        ]
        for each in made
    ]
    assert back == written


def test_columns_are_the_same_and_all_shards_answer(client: Any) -> None:
    migrate(client, "one")
    client.execute("CREATE DATABASE many")
    client.execute("USE many")
    for statement in made_for_a_cluster():
        client.execute(alone(statement))
    columns = "SELECT table, name, type FROM system.columns WHERE database = %(d)s ORDER BY table, position"
    one = [row for row in client.execute(columns, {"d": "one"}) if row[0] != "schema_migrations"]
    many = client.execute(columns, {"d": "many"})
    assert [row for row in many if not row[0].startswith(ALL)] == one
    assert {row[0] for row in many if row[0].startswith(ALL)} == {f"{ALL}{name}" for name in TABLES}
    across = [(row[0].removeprefix(ALL), *row[1:]) for row in many if row[0].startswith(ALL)]
    assert across == [row for row in one if row[0] in TABLES]
    assert not any(name in LOCAL for name in TABLES)


def test_views_add_the_shards_up(client: Any) -> None:
    client.execute("USE many")
    row = ("bank", "brand", "live", "vk:1", datetime(2026, 3, 1, 12, tzinfo=UTC), "negative", "vk")
    client.execute(MENTION, [row])
    query = "SELECT create_table_query FROM system.tables WHERE database = 'many' AND engine = 'View'"
    views = [text for (text,) in client.execute(query)]
    assert views
    reads = [read for text in views for read in re.findall(r"\b(?:FROM|JOIN) many\.(\w+)", text)]
    assert all(read.startswith(ALL) or read not in TABLES for read in reads)
    assert client.execute("SELECT object_id, mentions, negatives FROM net_sentiment") == [("bank", 1, 1)]
    assert client.execute("SELECT share, market_share FROM share_of_voice") == [(1.0, 1.0)]


def test_versions_and_deletions_meet_across_the_shards(client: Any) -> None:
    """Inner queries of these views read distributed tables, too, which ClickHouse refuses unless told how."""
    client.execute("USE many")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    columns = "id, timeline, source, kind, created_at, revision, label"
    columns += ", channel_own, community_of, author_own, reply_to"
    asked = ("vk:1", "live", "vk", "post", at, 0, "negative", True, ["bank"], False, "")
    said = ("vk:2", "live", "vk", "comment", at.replace(minute=5), 0, "neutral", True, ["bank"], True, "vk:1")
    client.execute(f"INSERT INTO posts ({columns}) VALUES", [asked, said])
    client.execute(f"INSERT INTO post_revisions ({columns}) VALUES", [(*asked[:5], 7, *asked[6:])])
    mention = ("bank", "brand", "live", "vk:1", at, "negative", "vk")
    client.execute(MENTION.replace("INTO mentions", "INTO mention_revisions"), [mention])
    deleted = "INSERT INTO deletions (id, source, native_id, deleted_at, collected_at, timeline) VALUES"
    client.execute(deleted, [("vk:1", "vk", "1", at.replace(hour=15), at, "live")])
    newest = "SELECT id, revision, isNotNull(deleted_at) FROM latest_posts ORDER BY id"
    assert client.execute(newest) == [("vk:1", 7, 1), ("vk:2", 0, 0)]
    assert client.execute("SELECT version, revision FROM post_history ORDER BY 1") == [(1, 0), (2, 7)]
    assert client.execute("SELECT count() FROM latest_mentions") == [(0,)]
    response = "SELECT object_id, posts, deleted, answered_1h, median_seconds FROM community_response"
    assert client.execute(response) == [("bank", 1, 1, 1, 300.0)]
