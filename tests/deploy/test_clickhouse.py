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

SPIKE = (
    "INSERT INTO spikes (id, revision, status, severity, object_id, timeline, resolution, started_at, "
    "opened_at, updated_at, negatives, expected_negatives, expected_high, `words.text`, `words.posts`, "
    "`words.expected`, `words.z`, `names.text`, `names.posts`, `names.expected`, `names.z`) VALUES"
)
ALERT = (
    "INSERT INTO alerts (id, revision, event, status, severity, object_ids, timeline, started_at, opened_at, "
    "updated_at, at, suppressed_by, acknowledged_by, title_en) VALUES"
)
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


def filled(query: str) -> str:
    """A query as Grafana sends it, with its macros and variables replaced."""
    query = re.sub(
        r"\$__timeFilter\((\w+(?:\(\w+\))?)\)", r"(\1 >= '2020-01-01' AND \1 <= '2030-01-01')", query
    )
    query = query.replace("${timeline:singlequote}", "'live'").replace("${object:singlequote}", "'bank'")
    assert "$" not in query, f"a macro that this test does not know: {query}"
    return query


@pytest.mark.parametrize(("where", "query"), queries_of_the_dashboard())
def test_every_query_of_the_dashboards_runs_as_the_reader(database: Connect, where: str, query: str) -> None:
    query = filled(query)
    _, columns = database("molva_reader").execute(query, with_column_types=True)
    assert columns


def shown(database: Connect, title: str) -> list[tuple[Any, ...]]:
    """What a panel shows to the reader."""
    queries = dict(reversed(queries_of_the_dashboard()))  # panels before notes of the same name
    query = filled(queries[title]).replace("now() - INTERVAL 30 DAY", "toDateTime('2026-02-01')")
    rows: list[tuple[Any, ...]] = database("molva_reader").execute(query)
    return rows


def spike(name: str, revision: int, status: str, severity: str, hour: int, negatives: int) -> tuple[Any, ...]:
    """A row of an event of a spike of the bank."""
    at = datetime(2026, 3, 1, hour, tzinfo=UTC)
    told = (["сбой", "карта"], [negatives, 3], [0.5, 1.5], [9.0, 2.0], ["Иванов"], [4], [0.1], [5.0])
    return (name, revision, status, severity, "bank", "live", "1h", at, at, at, negatives, 2.5, 6.0, *told)


def test_the_dashboard_explains_the_open_spike_though_another_ended_later(database: Connect) -> None:
    database("molva_writer").execute(
        SPIKE,
        [
            spike("open", 1, "opened", "warning", 8, 10),
            spike("open", 2, "updated", "critical", 9, 20),
            spike("ended", 1, "opened", "info", 10, 7),
            spike("ended", 2, "resolved", "info", 11, 7),
        ],
    )
    assert shown(database, "Spikes open now") == [(1, 0, 0)]
    band = [row[1:] for row in shown(database, "The newest spike: negatives against expected")]
    assert band == [(10.0, 2.5, 0.0, 6.0), (20.0, 2.5, 0.0, 6.0)]
    assert shown(database, "The newest spike: what stands out") == [
        ("word", "сбой", 20, 0.5, 9.0),
        ("name", "Иванов", 4, 0.1, 5.0),
        ("word", "карта", 3, 1.5, 2.0),
    ]
    assert {row[:2] for row in shown(database, "Spikes")} == {("bank", "critical"), ("bank", "info")}


def alert(name: str, revision: int, status: str, hour: int, **changed: Any) -> tuple[Any, ...]:
    """A row of an event of an incident."""
    at = datetime(2026, 3, 1, hour, tzinfo=UTC)
    known = {"severity": "warning", "objects": ["bank"], "quiet": "", "by": "", "title": "A wave"} | changed
    head = (name, revision, "updated", status, known["severity"], known["objects"], "live", at, at, at, at)
    return (*head, known["quiet"], known["by"], known["title"])


def test_the_dashboard_shows_the_open_incidents_of_its_objects(database: Connect) -> None:
    database("molva_writer").execute(
        ALERT,
        [
            alert("worse", 1, "open", 8),
            alert("worse", 2, "open", 9, severity="critical", objects=["other", "bank"], by="Maria"),
            alert("quiet", 1, "open", 10, quiet="snooze"),
            alert("ended", 1, "open", 8),
            alert("ended", 2, "resolved", 9),
            alert("of another", 1, "open", 9, objects=["other"]),
        ],
    )
    rows = shown(database, "Incidents open now")
    assert [(row[0], row[1], row[2], row[5], row[6], row[-1]) for row in rows] == [
        ("critical", "A wave", "other, bank", "Maria", "", "worse"),
        ("warning", "A wave", "bank", "", "snooze", "quiet"),
    ]
