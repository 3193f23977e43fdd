"""deploy/clickhouse on a real engine: who may do what, and every query of Grafana's reputation dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from clickhouse_driver import Client, errors

from pipeline.sink.migrations import migrate

pytestmark = pytest.mark.integration

Connect = Callable[..., Client]

READONLY = 164
SETTING_CONSTRAINT_VIOLATION = 452
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516

MENTION = "INSERT INTO mentions (object_id, object_kind, timeline, post_id, created_at, label, source) VALUES"
ROW = ("bank", "brand", "live", "vk:1", datetime(2026, 3, 1, 12, tzinfo=UTC), "negative", "vk")


@pytest.fixture(scope="module")
def database(clickhouse: Connect) -> Connect:
    """The server after `molva migrate` as molva_owner, with one mention stored by molva_writer."""
    migrate(clickhouse("molva_owner", database="default"), "molva")
    clickhouse("molva_writer", database="molva").execute(MENTION, [ROW])

    def connect(user: str, **options: Any) -> Client:
        return clickhouse(user, database="molva", **options)

    return connect


def refused(client: Client, query: str) -> int:
    """The error code with which ClickHouse refuses a query."""
    with pytest.raises(errors.ServerException) as raised:
        client.execute(query)
    return int(raised.value.code)


def test_the_schema_is_built_twice_by_the_owner_alone(database: Connect) -> None:
    assert migrate(database("molva_owner"), "molva") == []


@pytest.mark.parametrize("user", ["molva_owner", "molva_writer", "molva_reader"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_gets_in_without_the_password(clickhouse: Connect, user: str, password: str) -> None:
    assert refused(clickhouse(user, password=password), "SELECT 1") == AUTHENTICATION_FAILED


def test_there_is_no_default_user_and_every_password_comes_from_the_environment(root: Path) -> None:
    users = ElementTree.parse(root / "deploy/clickhouse/users.d/molva.xml").getroot().find("users")
    assert users is not None
    assert {user.tag for user in users} == {"default", "molva_owner", "molva_writer", "molva_reader"}
    for user in users:
        if user.tag == "default":
            assert user.get("remove") == "remove"
            continue
        password = user.find("password")
        assert password is not None
        assert password.get("from_env") == f"CLICKHOUSE_{user.tag.removeprefix('molva_').upper()}_PASSWORD"
        assert not password.text


@pytest.mark.parametrize(
    ("user", "query"),
    [
        ("molva_writer", "DROP TABLE posts"),
        ("molva_writer", "TRUNCATE TABLE posts"),
        ("molva_writer", "ALTER TABLE posts DELETE WHERE 1"),
        ("molva_writer", "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a"),
        ("molva_reader", "INSERT INTO mentions (object_id) VALUES ('x')"),
        ("molva_reader", "DROP TABLE posts"),
        ("molva_reader", "SELECT * FROM file('/etc/passwd', 'LineAsString')"),
        ("molva_reader", "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"),
        ("molva_reader", "SELECT * FROM system.users"),
        ("molva_owner", "CREATE DATABASE other"),
        ("molva_owner", "CREATE USER other"),
        ("molva_owner", "GRANT SELECT ON molva.* TO molva_reader"),
    ],
)
def test_each_user_is_refused_what_its_work_does_not_need(database: Connect, user: str, query: str) -> None:
    assert refused(database(user), query) in {ACCESS_DENIED, READONLY}


def test_the_reader_reads_what_the_writer_stored(database: Connect) -> None:
    rows = database("molva_reader").execute("SELECT object_id, mentions, negatives FROM net_sentiment")
    assert rows == [("bank", 1, 1)]


@pytest.mark.parametrize(("setting", "value"), [("max_memory_usage", 10**12), ("max_execution_time", 3600)])
def test_the_reader_cannot_lift_its_limits(database: Connect, setting: str, value: int) -> None:
    client = database("molva_reader", settings={setting: value})
    assert refused(client, "SELECT 1") == SETTING_CONSTRAINT_VIOLATION


def queries_of_the_dashboard() -> list[tuple[str, str]]:
    """(where, SQL) of every ClickHouse query in the dashboards."""
    found = []
    for file in sorted((Path(__file__).parents[2] / "deploy/grafana/dashboards").glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            found += [(panel["title"], t["rawSql"]) for t in panel.get("targets", []) if "rawSql" in t]
        for variable in board["templating"]["list"]:
            found.append((f"variable {variable['name']}", variable["query"]))
        for note in board["annotations"]["list"]:
            found += [(note["name"], note["target"]["rawSql"])] if "target" in note else []
    return found


@pytest.mark.parametrize(("where", "query"), queries_of_the_dashboard())
def test_every_query_of_the_dashboards_runs_as_the_reader(database: Connect, where: str, query: str) -> None:
    query = re.sub(
        r"\$__timeFilter\((\w+(?:\(\w+\))?)\)", r"(\1 >= '2020-01-01' AND \1 <= '2030-01-01')", query
    )
    query = query.replace("${timeline:singlequote}", "'live'").replace("${object:singlequote}", "'bank'")
    assert "$" not in query, f"{where}: a macro that this test does not know"
    _, columns = database("molva_reader").execute(query, with_column_types=True)
    assert columns
