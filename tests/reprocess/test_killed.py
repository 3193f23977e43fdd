"""molva reprocess killed with kill -9 at every kind of moment, and run again: exact all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from tests.reprocess.conftest import Counts
from tests.reprocess.killed import POINTS
from tests.reprocess.runs import reprocess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def test_killed_anywhere_and_run_again(filled: Settings) -> None:
    """Each attempt is killed later than the one before it; readers see the old rows, or the new ones."""
    before = Counts(filled)
    for point in POINTS:
        killed(filled, point)
        seen = Counts(filled)
        if point not in ("replacing", "replaced"):
            assert vars(seen) == vars(before), point
    assert seen.wrong == []
    run = reprocess(filled)
    assert run.step == "replaced"
    with connect(filled) as client:
        assert not client.execute("SHOW TABLES LIKE 'next_%'")
        assert "CONSTRAINT" not in client.execute("SHOW CREATE TABLE posts")[0][0]
    after = Counts(filled)
    assert after.posts == before.posts
    assert after.versions["second"] == run.posts
    assert vars(after) == vars(seen)


def killed(settings: Settings, point: str) -> None:
    """Run until a point at which the process kills itself."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.reprocess.killed", point],
        env={**os.environ, **settings.environment()},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, point
