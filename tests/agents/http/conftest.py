"""Which connections the servers of a test have open."""

from __future__ import annotations

import pytest

from agents.http.connections import Connection, Connections


@pytest.fixture
def open_now(monkeypatch: pytest.MonkeyPatch) -> set[Connection]:
    """Those that the guard of connections has let in and not seen closed."""
    found: set[Connection] = set()
    add, lost = Connections.add, Connection.connection_lost

    def added(self: Connections, connection: Connection) -> None:
        found.add(connection)
        add(self, connection)

    def ended(self: Connection, exc: Exception | None) -> None:
        found.discard(self)
        lost(self, exc)

    monkeypatch.setattr(Connections, "add", added)
    monkeypatch.setattr(Connection, "connection_lost", ended)
    return found
