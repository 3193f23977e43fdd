"""The embedded broker as a process: identity, restart, ports, death."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.embedded.broker import EmbeddedBroker, broker_binary, read_cluster_id
from pipeline.embedded.errors import EmbeddedError, PortTaken, StartFailed

pytestmark = pytest.mark.integration


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(tmp_path) as running:
        yield running


def test_every_start_is_a_new_incarnation_on_the_same_port(own: EmbeddedBroker) -> None:
    first, address, pid = own.cluster_id, own.bootstrap, own.pid
    assert read_cluster_id(own.port) == first
    own.stop()
    assert read_cluster_id(own.port) is None
    own.start()
    assert own.bootstrap == address
    assert own.pid != pid
    assert own.cluster_id != first
    assert read_cluster_id(own.port) == own.cluster_id


def test_a_stale_broker_on_the_port_is_not_taken_for_the_new_one(own: EmbeddedBroker, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=str(own.port)):
        EmbeddedBroker(tmp_path / "second", port=own.port).start()
    assert read_cluster_id(own.port) == own.cluster_id


def test_a_foreign_server_on_the_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with pytest.raises(PortTaken, match="another process has the port"):
            EmbeddedBroker(tmp_path, port=port).start()


def test_its_death_is_seen_and_it_can_be_started_again(
    own: EmbeddedBroker, await_gone: Callable[..., None]
) -> None:
    assert own.child.exit_code() is None
    assert own.memory_bytes() > 1_000_000
    pid = own.pid
    os.kill(pid, signal.SIGKILL)
    await_gone(pid)
    own.stop()
    assert own.child.exit_code() == 128 + signal.SIGKILL
    with pytest.raises(EmbeddedError, match="gone"):
        own.memory_bytes()
    own.start()
    assert read_cluster_id(own.port) == own.cluster_id


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_does_not_outlive_its_guard(own: EmbeddedBroker, await_gone: Callable[..., None]) -> None:
    guard = int(Path(f"/proc/{own.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(guard, signal.SIGKILL)
    await_gone(own.pid, guard)


def test_stop_takes_the_process_away(own: EmbeddedBroker, await_gone: Callable[..., None]) -> None:
    pid = own.pid
    own.stop()
    own.stop()
    await_gone(pid)


def test_the_binary_is_found_where_the_home_directory_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    binary = broker_binary(tmp_path)
    assert os.access(binary, os.X_OK)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert broker_binary(tmp_path) == tmp_path / "tansu"
    monkeypatch.undo()
    assert os.access(tmp_path / "tansu", os.X_OK)


def test_a_wrong_override_of_the_binary_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "nothing"))
    with pytest.raises(EmbeddedError, match="CALF_TANSU_BIN"):
        EmbeddedBroker(tmp_path).start()


def test_a_binary_that_cannot_run_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = tmp_path / "tansu"
    garbage.write_bytes(b"\0not a program")
    garbage.chmod(0o700)
    monkeypatch.setenv("CALF_TANSU_BIN", str(garbage))
    with pytest.raises(StartFailed, match="Exec format error"):
        EmbeddedBroker(tmp_path / "broker").start()
