"""The overload benchmark in small: what was answered with 202 is stored once; the ingest refuses in time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "overload.py"


def test_clickhouse_stands_still_under_posts_at_full_speed_and_nothing_is_lost() -> None:
    command = [sys.executable, str(BENCHMARK), "--minutes", "0.5", "--max-backlog", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["posts"]["accepted"] > 1000
    assert (report["posts"]["missing"], report["posts"]["doubled"]) == (0, 0)
    assert report["answers_in_batches"]["503 behind"] > 0
    assert set(report["answers_in_batches"]) <= {"202", "503 behind", "503 not_confirmed", "429 busy"}
