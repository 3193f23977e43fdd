"""Cursors survive restarts, and a damaged one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.base import CursorCorrupt
from agents.cursor import CursorStore, FileCursors, MemoryCursors


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CursorStore:
    return FileCursors(tmp_path / "cursors") if request.param == "file" else MemoryCursors()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_it_remembers_one_cursor_per_agent(store: CursorStore) -> None:
    assert store.load("rss") is None
    await store.save("rss", "1")
    await store.save("rss", "2")
    await store.save("replay:a/b.jsonl", "ё")
    assert (store.load("rss"), store.load("replay:a/b.jsonl")) == ("2", "ё")
    await store.clear("rss")
    await store.clear("never seen")
    assert (store.load("rss"), store.load("replay:a/b.jsonl")) == (None, "ё")


async def test_files_survive_a_restart_and_stay_in_their_folder(tmp_path: Path) -> None:
    for name in ("../up", "a" * 400, "б" * 200, "."):
        await FileCursors(tmp_path / "cursors").save(name, name)
        assert FileCursors(tmp_path / "cursors").load(name) == name
    assert names(tmp_path) == ["cursors"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff", b'{"version":1,"agent":"x","cursor":"1"}']
)
async def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    store = FileCursors(tmp_path)
    await store.save("rss", "1")
    store.path("rss").write_bytes(content)
    with pytest.raises(CursorCorrupt, match=r"rss\.json cannot be used.*Remove it"):
        store.load("rss")


async def test_an_interrupted_save_leaves_the_old_cursor(tmp_path: Path) -> None:
    store = FileCursors(tmp_path)
    await store.save("rss", "1")
    store.path("rss").with_suffix(".new").write_bytes(b'{"version"')
    assert store.load("rss") == "1"
    await store.save("rss", "2")
    assert store.load("rss") == "2"
