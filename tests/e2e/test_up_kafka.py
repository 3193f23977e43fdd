"""``molva up --broker kafka``: what is in flight outlives kill -9 and the death of the broker."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pipeline.embedded.stack import find_stack
from tests.e2e.conftest import Up, await_value, molva, spike_events, story_rows, write_rows
from tests.e2e.test_restart import alive, kill, processes_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NOON = "2026-03-06T10:00:00Z"
"""In the middle of the story's outage: spikes are open."""
POSTS = "SELECT count(), uniqExact(id) FROM posts WHERE timeline = 'story'"
ON_THE_STORY = ("--timeline", "story")


def test_what_was_in_flight_is_there_after_kill_9_and_the_broker_s_death(
    apache_kafka: None, tmp_path: Path
) -> None:
    """First half, kill -9 of everything; second half, kill -9 of the broker alone: as if nothing had been."""
    rows = story_rows()
    first = write_rows(tmp_path / "first.jsonl", [row for row in rows if row["created_at"] < NOON], "kafka")
    second = write_rows(
        tmp_path / "second.jsonl", [row for row in rows if row["created_at"] >= NOON], "kafka"
    )
    up = Up(tmp_path / "data", "--broker", "kafka")
    up.start()
    up.replay(write_rows(tmp_path / "whole.jsonl", rows, "whole"))
    undisturbed = spike_events(up, "replay:whole.jsonl")
    assert any(status == "resolved" for _, _, _, status, *_ in undisturbed)

    assert up.run("replay", first, *ON_THE_STORY).returncode == 0
    await_value(lambda: up.rows(POSTS)[0][0] > 500)
    pids = processes_of(up)
    kill(up)
    await_value(lambda: not any(alive(pid) for pid in pids))
    up.options = ()  # a data dir stays with its broker
    up.start()
    await_value(lambda: up.rows(POSTS)[0][0] == len(first.read_text().splitlines()))
    assert up.run("replay", second, *ON_THE_STORY).returncode == 0
    stack = find_stack(up.data_dir)
    assert stack is not None
    assert stack.kafka_kind == "kafka"
    os.kill(stack.broker_pid, signal.SIGKILL)
    await_value(lambda: broker_pid(up) not in (None, stack.broker_pid), 120)
    up.replay(write_rows(tmp_path / "last.jsonl", rows[-1:], "after"))  # waits for all of it
    assert up.rows(POSTS) == [(len(rows), len(rows))]
    assert spike_events(up, "story") == undisturbed
    assert up.stop() == 0


def broker_pid(up: Up) -> int | None:
    stack = find_stack(up.data_dir)
    return None if stack is None else stack.broker_pid


def test_a_data_dir_with_kafka_s_records_is_not_started_without_it(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    done = molva("up", "--broker", "tansu", "--data-dir", tmp_path)
    assert done.returncode == 2
    assert "use --broker kafka, or another --data-dir" in done.stderr


def test_without_java_the_error_says_what_to_install(tmp_path: Path) -> None:
    done = molva("up", "--broker", "kafka", "--data-dir", tmp_path, JAVA_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"none on JAVA_HOME={tmp_path}" in done.stderr
    assert "apt-get install" in done.stderr
    assert "Traceback" not in done.stderr
