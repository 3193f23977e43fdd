"""Watching processes from outside."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not (Path("/proc/self").exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening and the reading
        return False


@pytest.fixture
def await_gone() -> Callable[..., None]:
    """``await_gone(pid, ...)`` returns when none of the processes runs, and fails after 30 s."""

    def wait(*pids: int) -> None:
        deadline = time.monotonic() + 30
        while left := [pid for pid in pids if _runs(pid)]:
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.02)

    return wait
