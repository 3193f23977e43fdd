"""Ports for servers that start a moment later, and may come back later still."""

from __future__ import annotations

import socket

import pytest

from pipeline.embedded import process
from pipeline.embedded.errors import EmbeddedError
from pipeline.embedded.process import LOOPBACK, PORTS, free_ports


def test_they_are_none_that_outgoing_connections_get() -> None:
    found = free_ports(30)
    assert len(set(found)) == 30 and set(found) <= set(PORTS)
    with socket.socket() as outgoing:
        outgoing.bind((LOOPBACK, 0))
        assert outgoing.getsockname()[1] not in PORTS


def test_one_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    (taken,) = free_ports(1)
    monkeypatch.setattr(process, "PORTS", range(taken, taken + 1))
    with socket.socket() as listening:
        listening.bind((LOOPBACK, taken))
        with pytest.raises(EmbeddedError, match=f"there are no 1 free ports from {taken} to {taken}"):
            free_ports(1)
    assert free_ports(1) == [taken]
