"""``molva up`` stopped or killed, and started again on the same folder: data and detectors go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.embedded.stack import find_stack
from pipeline.local import read_workers
from tests.e2e.conftest import Up, await_value, spike_events, story_rows, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NOON = "2026-03-06T10:00:00Z"
"""In the middle of the story's outage: spikes are open, buckets of both resolutions end here."""
POSTS = "SELECT count(), uniqExact(id) FROM posts WHERE timeline = %(timeline)s"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return story_rows()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("restarted"))
    up.start()
    yield up
    assert up.stop() == 0


@pytest.fixture(scope="module")
def undisturbed(up: Up, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> set[Any]:
    up.replay(write_rows(tmp_path_factory.mktemp("whole") / "whole.jsonl", rows, "whole"))
    events = spike_events(up, "replay:whole.jsonl")
    assert any(status == "resolved" for _, _, _, status, *_ in events)
    return events


def test_after_ctrl_c_data_and_detectors_go_on(
    up: Up, undisturbed: set[Any], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    first = [row for row in rows if row["created_at"] < NOON]
    second = [row for row in rows if row["created_at"] >= NOON]
    up.replay(write_rows(tmp_path / "first.jsonl", first, "halves"), "--timeline", "halves")
    assert spike_events(up, "halves") < undisturbed
    assert up.stop() == 0
    assert up.run("status").returncode == 1
    up.start()
    assert up.rows(POSTS, {"timeline": "halves"}) == [(len(first), len(first))]
    up.replay(write_rows(tmp_path / "second.jsonl", second, "halves"), "--timeline", "halves")
    assert up.rows(POSTS, {"timeline": "halves"}) == [(len(rows), len(rows))]
    assert spike_events(up, "halves") == undisturbed


def test_after_kill_9_no_process_is_left_and_a_second_replay_is_exact(
    up: Up, undisturbed: set[Any], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "killed.jsonl", rows, "killed")
    timeline = {"timeline": f"replay:{file.name}"}
    assert up.run("replay", file).returncode == 0
    await_value(lambda: up.rows(POSTS, timeline)[0][0] > len(rows) // 3)
    pids = processes_of(up)
    kill(up)
    await_value(lambda: not any(alive(pid) for pid in pids))
    up.start()
    assert 0 < up.rows(POSTS, timeline)[0][0] < len(rows)
    up.replay(file)
    assert up.rows(POSTS, timeline) == [(len(rows), len(rows))]
    assert spike_events(up, timeline["timeline"]) == undisturbed


def processes_of(up: Up) -> list[int]:
    """The servers and workers of a running stack."""
    stack = find_stack(up.data_dir)
    assert stack is not None
    return [stack.broker_pid, stack.clickhouse_pid, *(worker["pid"] for worker in read_workers(up.data_dir))]


def kill(up: Up) -> None:
    """kill -9 of ``molva up`` itself."""
    assert up.process is not None
    assert up.process.stdout is not None
    up.process.kill()
    assert up.process.wait(60) == -signal.SIGKILL
    up.process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
