"""A replay as a process that is killed with -9 again and again: all lives together publish every row."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.agents.replay.replaying import lines, row

ROOT = Path(__file__).resolve().parents[3]
ROWS = 1500
KILLS = 3


async def lived(file: Path, folder: Path, cursors: int | None) -> list[str]:
    """The texts of a life that is killed after so many saved cursors (None: that ends by itself)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.agents.replay.life", str(file), str(folder), stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    told: list[str | None] = []
    async with asyncio.timeout(60):
        async for line in process.stdout:
            told.append(json.loads(line))
            if cursors is not None and told.count(None) == cursors and process.returncode is None:
                process.kill()
                cursors = None
        await process.wait()
    return [text for text in told if text is not None]


async def test_nothing_is_lost_by_kills(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(lines(*map(row, range(ROWS))))
    lives = [await lived(file, tmp_path / "cursors", 1) for _ in range(KILLS)]
    lives.append(await lived(file, tmp_path / "cursors", None))
    assert {text for life in lives for text in life} == {f"text {number}" for number in range(ROWS)}
    assert len(lives[-1]) < ROWS, "lives went on from a cursor"
