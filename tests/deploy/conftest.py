"""Fixtures of the server set-up's tests: its files, and its ClickHouse configuration on a real engine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_driver import Client

ROOT = Path(__file__).resolve().parents[2]
PASSWORDS = {"molva_owner": "owner-secret", "molva_writer": "writer-secret", "molva_reader": "reader-secret"}

# What differs from the container: loopback, a free port, paths; the engine's own session is the user default.
TEST_SERVER = """
<clickhouse>
    <listen_host replace="replace">127.0.0.1</listen_host>
    <tcp_port>{port}</tcp_port>
    <path>{data}/</path>
    <users_config>users.xml</users_config>
    <logger replace="replace"><level>none</level></logger>
    <prometheus remove="remove"/>
    <!-- As in the config.xml of the server's package. -->
    <access_control_improvements>
        <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
        <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    </access_control_improvements>
</clickhouse>
"""
BASE_USERS = """
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users><default><no_password/><profile>default</profile><quota>default</quota></default></users>
</clickhouse>
"""
ENGINE_USER = """
<clickhouse><users><default>
    <no_password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
</default></users></clickhouse>
"""

Connect = Callable[..., Client]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """docker-compose.yml with its anchors and merge keys resolved, variables as written."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml by name."""
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A real engine with deploy/clickhouse's configuration; call with a user to get its client."""
    directory = tmp_path_factory.mktemp("clickhouse")
    port = _free_port()
    for kind in ("config.d", "users.d"):
        (directory / kind).mkdir()
        shutil.copy(ROOT / "deploy" / "clickhouse" / kind / "molva.xml", directory / kind)
    (directory / "config.xml").write_text("<clickhouse/>", encoding="utf-8")
    (directory / "users.xml").write_text(BASE_USERS, encoding="utf-8")
    test_server = TEST_SERVER.format(port=port, data=directory / "data")
    (directory / "config.d" / "zz-test.xml").write_text(test_server, encoding="utf-8")
    (directory / "users.d" / "zz-engine.xml").write_text(ENGINE_USER, encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("serve_clickhouse.py"))],
        cwd=directory,
        env=os.environ
        | {
            f"CLICKHOUSE_{name.removeprefix('molva_').upper()}_PASSWORD": PASSWORDS[name]
            for name in PASSWORDS
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None
    clients: list[Client] = []

    def connect(user: str, password: str | None = None, **options: Any) -> Client:
        client = Client(
            "127.0.0.1",
            port=port,
            user=user,
            password=PASSWORDS.get(user, "") if password is None else password,
            compression="lz4",
            **options,
        )
        clients.append(client)
        return client

    try:
        with server:
            _await_listening(server)
            yield connect
            for client in clients:
                client.disconnect()
            server.stdin.close()
    finally:
        server.kill()


def _await_listening(server: subprocess.Popen[bytes]) -> None:
    assert server.stdout is not None
    line = server.stdout.readline()
    assert line.strip() == b"listening", f"the engine did not start: {line!r}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
