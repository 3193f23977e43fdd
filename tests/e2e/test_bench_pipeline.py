"""``molva bench pipeline`` as a user runs it: a small run of everything, and mistakes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.conftest import molva

DATA = Path(os.environ.get("MOLVA_DATA") or Path(__file__).resolve().parents[2] / ".." / "shared" / "data")

pytestmark = pytest.mark.e2e


@pytest.mark.skipif(not (DATA / "rusentitweet_train.jsonl").is_file(), reason=f"no data sets in {DATA}")
@pytest.mark.timeout(600)
def test_a_small_run_measures_everything(tmp_path: Path) -> None:
    data = ("--data", DATA, "--data-dir", tmp_path / "stack")
    done = molva("bench", "pipeline", "--posts", "1000", "--workers", "1", "--naive", "--json", *data)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {"posts_per_s", "ratio_to_naive", "ratio_to_limit", "p99_ms"} <= report.keys()
    assert set(report["phases"]) == {"max", "50%", "90%"}
    assert report["phases"]["max"]["posts"] == 1000
    assert report["phases"]["max"]["mentions"] > 50
    stages = {"broker", "clickhouse", "enrichment", "detection", "storage", "notification", "producer"}
    assert set(report["phases"]["max"]["cpu_s_per_1000"]) == stages
    assert report["limit"]["insert_rows_per_s"] > 0
    assert report["naive"]["posts_per_s"] > 0


def test_without_data_it_says_which_file_is_missing(tmp_path: Path) -> None:
    done = molva("bench", "pipeline", "--data", tmp_path)
    assert done.returncode == 2
    assert "rusentitweet_train.jsonl" in done.stderr
    assert "Traceback" not in done.stderr
