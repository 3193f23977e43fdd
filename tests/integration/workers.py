"""Workers as processes that can be killed, and waiting for what other processes do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pipeline.kafka_records import records_of
from pipeline.settings import Settings


class Worker:
    """``molva worker STAGE`` as a process."""

    def __init__(self, stage: str, settings: Settings, log: Path) -> None:
        self.settings = settings
        self._stage = stage
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again)."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.cli", "worker", self._stage],
                env={**os.environ, **self.settings.environment()},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def end(self) -> None:
        """See that it does not outlive its test."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)


async def eventually(holds: Callable[[], Awaitable[Any]], seconds: float = 150) -> Any:
    """Look again until there is something.

    Raises:
        TimeoutError: there is nothing after so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not (found := await holds()):  # noqa: ASYNC110 — other processes tell no event
            await asyncio.sleep(0.1)
    return found


async def published(settings: Settings, topic: str) -> list[Any]:
    """All records that a topic holds now."""
    return [record async for record in records_of(settings, topic)]
