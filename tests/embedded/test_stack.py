"""The stack on a data directory: found by others, one at a time, no orphans."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_driver import Client

from pipeline.embedded.broker import read_cluster_id
from pipeline.embedded.errors import DirectoryInUse, DirectoryUnusable, EmbeddedError
from pipeline.embedded.lock import DirectoryLock, lock_owner
from pipeline.embedded.stack import EmbeddedStack, StackInfo, find_stack
from pipeline.settings import Settings

pytestmark = pytest.mark.integration

STARTED = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOLD_A_STACK = """
import sys
from pathlib import Path
from pipeline.embedded.stack import EmbeddedStack

with EmbeddedStack(Path(sys.argv[1])) as stack:
    print(stack.info.model_dump_json(), flush=True)
    sys.stdin.read()
"""


def hold_a_stack(directory: Path) -> tuple[subprocess.Popen[bytes], StackInfo]:
    command = [sys.executable, "-c", HOLD_A_STACK, str(directory)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout
    return process, StackInfo.model_validate_json(process.stdout.readline())


def finish(process: subprocess.Popen[bytes]) -> int:
    with process:
        return process.wait(30)


def test_others_find_it_while_it_runs(tmp_path: Path, await_gone: Callable[..., None]) -> None:
    assert find_stack(tmp_path / "new") is None
    with EmbeddedStack(tmp_path / "new", now=lambda: STARTED) as stack:
        found = find_stack(tmp_path / "new")
        assert found == stack.info
        assert (found.owner_pid, found.started_at) == (os.getpid(), STARTED)
        assert stat.S_IMODE((tmp_path / "new" / "stack.json").stat().st_mode) == 0o600
        assert read_cluster_id(int(found.bootstrap.split(":")[1])) == found.cluster_id
        assert stack.check() == []
        assert stack.broker_memory_bytes() > 1_000_000
    assert not (tmp_path / "new" / "stack.json").exists()
    assert find_stack(tmp_path / "new") is None
    await_gone(found.broker_pid, found.clickhouse_pid)
    with pytest.raises(EmbeddedError, match="does not run"):
        _ = stack.info


def test_settings_and_environment_lead_to_it(stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    direct = stack.info.settings(Settings(clickhouse_database="mine"))
    for name, value in stack.info.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings(clickhouse_database="mine") == direct
    assert direct.kafka_bootstrap == stack.broker.bootstrap
    client = Client(
        host=direct.clickhouse_host,
        port=direct.clickhouse_port,
        user=direct.clickhouse_user,
        password=direct.clickhouse_password.get_secret_value(),
    )
    assert client.execute("SELECT 1") == [(1,)]
    client.disconnect()
    assert stack.info.clickhouse_password.get_secret_value() not in repr(stack.info)


def test_a_second_stack_on_the_directory_names_the_first(tmp_path: Path) -> None:
    with EmbeddedStack(tmp_path) as first:
        with pytest.raises(DirectoryInUse, match=rf"process {os.getpid()}.*--data-dir"):
            EmbeddedStack(tmp_path).start()
        assert find_stack(tmp_path) == first.info
        assert first.check() == []


def test_a_file_that_a_dead_stack_left_does_not_count(stack: EmbeddedStack, tmp_path: Path) -> None:
    left = tmp_path / "stack.json"
    left.write_text(stack.info.model_dump_json())
    assert find_stack(tmp_path) is None
    (tmp_path / "lock").write_text("1\n")
    assert find_stack(tmp_path) is None
    with DirectoryLock(tmp_path):
        left.write_text(stack.info.model_copy(update={"owner_pid": 1}).model_dump_json())
        assert find_stack(tmp_path) is None
        left.write_text("{ half a file")
        assert find_stack(tmp_path) is None


def test_a_file_in_place_of_the_directory_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DirectoryUnusable, match=str(directory)):
            EmbeddedStack(directory).start()
        assert find_stack(directory) is None


def test_nothing_is_left_when_a_server_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = EmbeddedStack(tmp_path)
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "nothing"))
    with pytest.raises(EmbeddedError, match="CALF_TANSU_BIN"):
        stack.start()
    assert stack.clickhouse.child.exit_code() == 0
    assert lock_owner(tmp_path) is None
    assert not (tmp_path / "stack.json").exists()


def test_the_broker_is_of_use_before_clickhouse_is_up(
    tmp_path: Path, await_gone: Callable[..., None]
) -> None:
    stack = EmbeddedStack(tmp_path)
    stack.begin()
    assert read_cluster_id(int(stack.broker.bootstrap.split(":")[1])) == stack.broker.cluster_id
    assert find_stack(tmp_path) is None
    stack.start()
    found = find_stack(tmp_path)
    assert found == stack.info
    assert found.broker_pid == stack.broker.pid
    stack.stop()
    await_gone(found.broker_pid, found.clickhouse_pid)
    with stack:  # once more, from the beginning
        assert stack.check() == []


def test_a_clickhouse_that_cannot_start_takes_the_broker_with_it(tmp_path: Path) -> None:
    (tmp_path / "clickhouse").touch()
    stack = EmbeddedStack(tmp_path)
    stack.begin()
    assert stack.broker.child.exit_code() is None
    with pytest.raises(DirectoryUnusable, match="clickhouse"):
        stack.start()
    assert stack.broker.child.exit_code() is not None
    assert lock_owner(tmp_path) is None


def test_the_death_of_a_child_is_told_and_mended(tmp_path: Path, await_gone: Callable[..., None]) -> None:
    with EmbeddedStack(tmp_path) as stack:
        before = stack.info
        os.kill(before.broker_pid, signal.SIGKILL)
        os.kill(before.clickhouse_pid, signal.SIGKILL)
        await_gone(before.broker_pid, before.clickhouse_pid)
        for child in (stack.broker.child, stack.clickhouse.child):
            child.stop()  # waits until this process knows, too
        assert {death.name: death.exit_code for death in stack.check()} == {
            "the broker": 137,
            "ClickHouse": 137,
        }
        stack.restart_broker()
        stack.restart_clickhouse()
        assert stack.check() == []
        after = find_stack(tmp_path)
        assert after == stack.info
        assert after.cluster_id != before.cluster_id
        assert after.bootstrap == before.bootstrap
        assert after.clickhouse_port == before.clickhouse_port


def test_no_orphans_after_kill_9_and_the_directory_is_free(
    tmp_path: Path, await_gone: Callable[..., None]
) -> None:
    owner, info = hold_a_stack(tmp_path)
    assert find_stack(tmp_path) == info
    owner.kill()
    assert finish(owner) == -signal.SIGKILL
    assert find_stack(tmp_path) is None
    with EmbeddedStack(tmp_path) as again:  # at once: it waits for the old ClickHouse to leave
        await_gone(info.broker_pid, info.clickhouse_pid)
        assert find_stack(tmp_path) == again.info
        assert again.info.cluster_id != info.cluster_id


def test_ctrl_c_in_the_terminal_reaches_the_owner_alone_and_it_stops_in_order(
    tmp_path: Path, await_gone: Callable[..., None]
) -> None:
    owner, info = hold_a_stack(tmp_path)
    assert len({os.getsid(pid) for pid in (owner.pid, info.broker_pid, info.clickhouse_pid)}) == 3
    os.killpg(owner.pid, signal.SIGINT)
    assert finish(owner) == -signal.SIGINT
    await_gone(info.broker_pid, info.clickhouse_pid)
    assert not (tmp_path / "stack.json").exists()
