"""The embedded ClickHouse as a process: data that survives, ports and paths that are taken, passwords."""

from __future__ import annotations

import os
import signal
import stat
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException

from pipeline.embedded.clickhouse import EmbeddedClickHouse
from pipeline.embedded.errors import DirectoryInUse, PortTaken
from tests.embedded.clients import client_of

pytestmark = pytest.mark.integration

QUOTA_EXCEEDED, ACCESS_DENIED, AUTHENTICATION_FAILED = 201, 497, 516


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedClickHouse]:
    with EmbeddedClickHouse(tmp_path) as running:
        yield running


def fill(server: EmbeddedClickHouse, rows: int) -> None:
    with client_of(server) as client:
        client.execute("CREATE DATABASE IF NOT EXISTS kept")
        client.execute(
            "CREATE TABLE IF NOT EXISTS kept.rows (n UInt64, text String) ENGINE MergeTree ORDER BY n"
        )
        client.execute("INSERT INTO kept.rows VALUES", [(n, "слово" * 20) for n in range(rows)])


def count(server: EmbeddedClickHouse) -> int:
    with client_of(server) as client:
        return int(client.execute("SELECT count() FROM kept.rows")[0][0])


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_data_survives(own: EmbeddedClickHouse, await_gone: Callable[..., None], how: int | None) -> None:
    fill(own, 5000)
    pid, password = own.pid, own.password
    if how is not None:
        os.kill(pid, how)
    own.stop()
    await_gone(pid)
    assert own.child.exit_code() == (137 if how == signal.SIGKILL else 0)
    own.start()
    assert own.password == password  # clients reconnect with what they know
    assert count(own) == 5000


def test_it_is_a_server_in_utc_with_lz4_and_a_memory_limit(own: EmbeddedClickHouse) -> None:
    with client_of(own) as client:
        assert client.execute("SELECT timezone(), getMacro('nonce')") == [("UTC", own.nonce)]
        limits = client.execute(
            "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
        )
        assert limits == [(str(2 << 30),)]
    url = f"http://127.0.0.1:{own.http_port}/?query=SELECT+42&user={own.user}&password={own.password}"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"42\n"
    assert own.memory_bytes() > 50_000_000


def test_only_the_password_opens_it(own: EmbeddedClickHouse) -> None:
    wrong = {**own.client_options(), "password": "wrong"}
    with pytest.raises(ServerException) as refused:
        Client(**wrong).execute("SELECT 1")
    assert refused.value.code == AUTHENTICATION_FAILED
    for query in (
        "SELECT * FROM system.tables",
        "SYSTEM STOP LISTEN TCP",
        "SELECT * FROM file('/etc/passwd')",
    ):
        with pytest.raises(ServerException) as refused:
            Client(host=own.host, port=own.port).execute(query)
        assert refused.value.code in (QUOTA_EXCEEDED, ACCESS_DENIED)
    for name in ("config.xml", "users.xml"):
        assert stat.S_IMODE((own.directory / name).stat().st_mode) == 0o600


def test_a_second_server_on_the_directory_names_the_first(
    own: EmbeddedClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.embedded.clickhouse.TAKEOVER_SECONDS", 0.0)
    with pytest.raises(DirectoryInUse, match=f"process {own.pid}") as refused:
        EmbeddedClickHouse(tmp_path).start()
    assert refused.value.pid == own.pid
    fill(own, 1)
    assert count(own) == 1


def test_a_taken_port_is_a_clear_error(own: EmbeddedClickHouse, tmp_path: Path) -> None:
    second = EmbeddedClickHouse(tmp_path / "second", port=own.port, http_port=own.http_port)
    with pytest.raises(PortTaken, match=str(own.port)):
        second.start()
    fill(own, 1)


def test_a_stranger_s_config_in_the_working_directory_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.xml").write_text("<clickhouse><path>/nowhere/at/all</path></clickhouse>")
    monkeypatch.chdir(tmp_path)
    with EmbeddedClickHouse(Path("relative")) as server:
        fill(server, 3)
        assert count(server) == 3


def test_it_stops_while_a_query_runs(own: EmbeddedClickHouse) -> None:
    client = Client(**own.client_options())
    rows = client.execute_iter("SELECT number FROM numbers(1000000000000)", settings={"max_block_size": 1000})
    assert next(rows) == (0,)
    own.stop()
    assert own.child.exit_code() == 0
    with pytest.raises((Error, OSError, EOFError)):
        for _ in rows:
            pass
