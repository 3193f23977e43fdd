"""The embedded ClickHouse: a real server from the chdb wheel as a child process, its data in a directory.

Clients reach it over TCP (clickhouse-driver) or HTTP on 127.0.0.1, with a password of this object's own.
Readiness is judged by a nonce that only this start knows, so a stale server on the port never passes.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from pathlib import Path
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from pipeline.embedded.clickhouse_config import IN_USE, USER
from pipeline.embedded.errors import DirectoryInUse
from pipeline.embedded.lock import DirectoryLock, lock_owner
from pipeline.embedded.process import LOOPBACK, ChildProcess, free_ports
from pipeline.embedded.server import EmbeddedServer

START_SECONDS = 60.0
TAKEOVER_SECONDS = 10.0

CLIENT_SETTINGS = {"network_compression_method": "lz4"}
"""What ``compression="lz4"`` needs: ClickHouse 26.9 answers in ZSTD by default."""


class EmbeddedClickHouse(EmbeddedServer):
    """A server with its data in ``<directory>/clickhouse``; ports 0 mean any free ones, kept by restarts.

    What was inserted stays in the directory when it stops.
    """

    NAME = "ClickHouse"

    user = USER
    host = LOOPBACK

    def __init__(self, directory: Path, *, port: int = 0, http_port: int = 0) -> None:
        super().__init__(fixed=port != 0)
        self.directory = directory / "clickhouse"
        self.port = port
        self.http_port = http_port
        self.password = ""
        self.nonce = ""

    def _choose_ports(self) -> None:
        self.port, self.http_port = free_ports(2)

    def _start_once(self) -> None:
        self.nonce = secrets.token_hex(8)
        self.password = self.password or secrets.token_urlsafe(24)  # kept over restarts: clients reconnect
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        command = [sys.executable, "-m", "pipeline.embedded.clickhouse_server", str(self.directory)]
        command += [str(self.port), str(self.http_port), self.nonce, digest]
        child = ChildProcess(self.NAME, command, self.directory / "server.log")
        with DirectoryLock(self.directory, patience=TAKEOVER_SECONDS):
            pass  # a server whose parent died needs a moment to leave
        child.start({"TZ": "UTC"})
        try:
            child.await_ready(self.port, self._answers, START_SECONDS)
        except BaseException as error:
            child.stop()
            if child.exit_code() == IN_USE:
                raise DirectoryInUse(self.directory, lock_owner(self.directory)) from error
            raise
        self._child = child

    def _answers(self) -> bool:
        """Whether the server on the port is the one that was started."""
        client = Client(**self.client_options(), connect_timeout=2, send_receive_timeout=10)
        try:
            return bool(client.execute("SELECT getMacro('nonce')") == [(self.nonce,)])
        except (Error, OSError, EOFError):
            return False
        finally:
            client.disconnect()

    def client_options(self, database: str = "default") -> dict[str, Any]:
        """Keyword arguments of ``clickhouse_driver.Client``."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": database,
            "compression": "lz4",
            "settings": dict(CLIENT_SETTINGS),
        }
