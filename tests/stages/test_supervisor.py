"""Workers that crash are restarted with growing pauses; a fake clock, real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import supervisor
from pipeline.embedded.process import ChildProcess
from pipeline.supervisor import Supervisor, WorkerSpec


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """Two workers: one sleeps, one ends with exit code 3 at once."""

    def process(spec: WorkerSpec, log_dir: Path) -> ChildProcess:
        code = "import os, sys; print(os.environ['MOLVA_METRICS_PORT']); sys.exit(3)"
        if spec.name == "sleeper":
            code = "import signal; signal.pause()"
        return ChildProcess(
            spec.name, [sys.executable, "-c", code], log_dir / f"{spec.name}.log", guarded=True
        )

    monkeypatch.setattr(supervisor, "_process", process)
    specs = [WorkerSpec("sleeper", (), 1), WorkerSpec("crasher", (), 4242)]
    made = Supervisor(specs, {}, tmp_path, clock)
    made.start()
    yield made
    made.stop()


def await_crash(running: Supervisor) -> list[supervisor.Crash]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if crashes := running.poll():
            return crashes
        time.sleep(0.02)
    raise AssertionError("no crash was seen")


def test_a_crash_is_told_once_and_restarted_after_a_growing_pause(running: Supervisor, clock: Clock) -> None:
    (crash,) = await_crash(running)
    assert (crash.name, crash.exit_code, crash.restart_in) == ("crasher", 3, 0.5)
    assert crash.tail == "4242"
    assert running.poll() == []
    assert set(running.pids()) == {"sleeper"}
    clock.now += 0.6
    running.poll()
    assert running.restarts()["crasher"] == 1
    (crash,) = await_crash(running)
    assert crash.restart_in == 1.0


def test_a_worker_that_ran_long_is_restarted_at_once_again(running: Supervisor, clock: Clock) -> None:
    await_crash(running)
    clock.now += 100
    running.poll()
    pid = running.pids()["sleeper"]
    os.kill(pid, signal.SIGKILL)
    crashes = {crash.name: crash for crash in await_crash(running)}
    while "sleeper" not in crashes:  # the crasher may be seen before it, or with it
        crashes |= {crash.name: crash for crash in await_crash(running)}
    assert crashes["sleeper"].restart_in == 0.5
    assert crashes["sleeper"].exit_code == 128 + signal.SIGKILL


def test_what_was_stopped_stays_stopped(running: Supervisor, clock: Clock) -> None:
    await_crash(running)
    running.stop_only(["sleeper", "crasher"])
    clock.now += 1000
    assert running.poll() == []
    assert running.pids() == {}
    assert running.restarts() == {"sleeper": 0, "crasher": 0}


def test_a_worker_that_gave_up_too_many_records_stays_stopped(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os, sys; print(os.environ['MOLVA_DEAD_LETTER_HOLD']); sys.exit(4)"
    log = tmp_path / "storm.log"
    process = ChildProcess("storm", [sys.executable, "-c", code], log, guarded=True)
    monkeypatch.setattr(supervisor, "_process", lambda spec, log_dir: process)
    made = Supervisor([WorkerSpec("storm", (), 1)], {}, tmp_path, clock)
    made.start()
    (crash,) = await_crash(made)
    assert (crash.exit_code, crash.restart_in, crash.tail) == (4, None, "0")
    clock.now += 1000
    assert made.poll() == []
    assert (made.restarts(), made.pids()) == ({"storm": 0}, {})
    made.stop()


def test_some_start_before_the_others_which_get_what_has_changed(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def process(spec: WorkerSpec, log_dir: Path) -> ChildProcess:
        code = "import os, signal; print(os.environ['MOLVA_WHERE'], flush=True); signal.pause()"
        return ChildProcess(
            spec.name, [sys.executable, "-c", code], log_dir / f"{spec.name}.log", guarded=True
        )

    monkeypatch.setattr(supervisor, "_process", process)
    specs = [WorkerSpec("first", (), 1), WorkerSpec("second", (), 2)]
    made = Supervisor(specs, {"MOLVA_WHERE": "here"}, tmp_path, clock)
    made.start_only(["first"])
    pids = made.pids()
    assert list(pids) == ["first"]
    assert made.poll() == []
    made.change({"MOLVA_WHERE": "there"})
    made.start()
    assert made.pids()["first"] == pids["first"]
    assert await_text(tmp_path / "second.log") == "there"
    assert await_text(tmp_path / "first.log") == "here"
    made.stop()
    assert made.poll() == []


def await_text(file: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if text := file.read_text().strip():
            return text
        time.sleep(0.02)
    raise AssertionError(f"nothing was written to {file}")
