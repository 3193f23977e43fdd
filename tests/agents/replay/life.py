"""One life of a replay, which may be killed: ``python -m tests.agents.replay.life FILE FOLDER``."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from agents.replay.source import ReplaySource
from agents.runner import Runner
from pipeline.metrics import Metrics
from tests.agents.life import HASTE, Files, Piped


async def live(file: Path, folder: Path) -> None:
    """Replay to the end; each post, and each saved cursor, is a line of standard output."""

    def clock() -> datetime:
        return datetime.now(UTC)

    source = ReplaySource(file, clock=clock)
    runner = Runner(
        source,
        Piped(),
        Files(folder),
        Metrics(),
        clock=clock,
        sleep=lambda seconds: asyncio.sleep(seconds / HASTE),
    )
    await runner.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), Path(sys.argv[2])))
