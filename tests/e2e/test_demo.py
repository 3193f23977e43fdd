"""``molva demo`` as a new user starts it: everything is found, nothing is lost, the exit code says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import molva

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_the_demo_finds_its_story_and_tells_how_to_ask_further(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = molva("demo", "--seconds", "20", "--data-dir", folder)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    for nothing in ("lost", "duplicated", "dead letters"):
        assert re.search(rf"{nothing}\s+0\b", done.stdout), nothing
    assert "Everything that the story holds was found" in done.stdout
    assert f"molva up --data-dir {folder}" in done.stderr
    assert not (folder / "stack.json").exists()


def test_the_demo_empties_no_folder_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work", encoding="utf-8")
    done = molva("demo", "--data-dir", tmp_path)
    assert done.returncode == 2
    assert "choose another --data-dir" in done.stderr
    assert (tmp_path / "thesis.txt").exists()
