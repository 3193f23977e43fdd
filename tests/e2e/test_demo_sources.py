"""``make demo-sources``: posts of every source are in ClickHouse exactly once, also after a kill -9."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agents.kinds import KINDS
from tests.e2e.conftest import clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_posts_of_every_source_are_stored_exactly_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo_sources", "--folder", str(tmp_path / "demo"), "--seconds", "300"],
        capture_output=True,
        text=True,
        timeout=500,
        env=clean_environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed with -9" in done.stdout
    rows = re.findall(r"^│ (\S+) +│ +(\d+) │ +(\d+) │ +(\d+) │", done.stdout, re.MULTILINE)
    assert {name for name, *_ in rows} == {*KINDS, "http"}
    assert all(published == stored and twice == "0" for _, published, stored, twice in rows)
