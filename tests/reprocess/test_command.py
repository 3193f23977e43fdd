"""``molva reprocess`` as a person runs it: a dry run, the run, and mistakes that end in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipeline.settings import Settings
from tests.reprocess.conftest import Counts
from tests.reprocess.runs import PERIOD, WATCHLIST

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DAYS = ("--from", f"{PERIOD.since:%Y-%m-%dT%H:%M}", "--to", f"{PERIOD.until:%Y-%m-%dT%H:%M}")


def molva(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with these servers, the fast tier and the tests' watchlist."""
    chosen = {"MOLVA_WATCHLIST": str(WATCHLIST), "MOLVA_SENTIMENT_TIER": "fast", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "reprocess", *arguments],
        env={**os.environ, **settings.environment(), **chosen},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dry_run_counts_and_the_run_does_what_it_said(filled: Settings) -> None:
    before = Counts(filled)
    said = molva(filled, *DAYS, "--dry-run", "--json")
    assert said.returncode == 0, said.stderr
    extent = json.loads(said.stdout)
    assert vars(Counts(filled)) == vars(before)
    assert extent["versions"] == {"": extent["posts"]}
    done = molva(filled, *DAYS, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome == {
        "version": extent["version"],
        "step": "replaced",
        "posts": extent["posts"],
        "months": extent["months"],
    }
    after = Counts(filled)
    assert after.versions[extent["version"]] == extent["posts"]
    assert after.wrong == []
    assert "100%" in done.stderr, "progress is told"
    dropped = molva(filled, "--drop-old", extent["version"])
    assert (dropped.returncode, "the old rows are gone" in dropped.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "say what to do"),
        (("--from", "2026-03-01"), 2, "say what to do"),
        (("--from", "2026-13-01", "--to", "2026-03-02"), 2, "--from 2026-13-01: write a date"),
        (("--from", "2026-03-02", "--to", "2026-03-02"), 2, "the end is exclusive"),
        ((*DAYS, "--object", "nobody"), 2, "the watchlist has no such object"),
        ((*DAYS, "--version", "a/b"), 2, "use 1 to 64 letters"),
        (("--from", "2001-01-01", "--to", "2001-01-02"), 1, "no posts of timeline 'live'"),
        (("--abandon",), 1, "no run is unfinished"),
        (("--drop-old", "never"), 1, "there is no version 'never'"),
    ],
)
def test_mistakes_end_in_one_line(filled: Settings, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = molva(filled, *arguments)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert done.stderr.startswith("molva: ") and len(done.stderr.splitlines()) == 1
