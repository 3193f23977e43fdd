"""Where an agent goes on after a restart: one small file per agent in ``<data dir>/cursors``."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from agents.base import CursorCorrupt

VERSION = 1
MAX_NAME = 180


class CursorStore(Protocol):
    """Remembers one opaque cursor per agent."""

    def load(self, agent: str) -> str | None:
        """The saved cursor, or None. Blocking; call it from a thread.

        Raises:
            CursorCorrupt: something is saved that is no cursor of this agent.
        """
        ...

    async def save(self, agent: str, cursor: str) -> None:
        """Remember ``cursor``; it survives a crash once this returns."""
        ...

    async def clear(self, agent: str) -> None:
        """Forget the agent's cursor: the next run begins at the beginning."""
        ...


class FileCursors:
    """Cursors as files: written beside the old file, synced, then put in its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, agent: str) -> Path:
        """The agent's file."""
        name = quote(agent, safe="")
        if len(name) > MAX_NAME:
            name = f"{name[:100]}-{hashlib.sha256(agent.encode()).hexdigest()[:16]}"
        return self._folder / f"{name}.json"

    def load(self, agent: str) -> str | None:
        path = self.path(agent)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            saved = json.loads(content)
        except ValueError as error:
            raise self._corrupt(path, f"it is not JSON ({error})") from error
        match saved:
            case {"version": 1, "agent": str(owner), "cursor": str(cursor)} if owner == agent:
                return cursor
        raise self._corrupt(path, f"it is no cursor of version {VERSION} of {agent}")

    async def save(self, agent: str, cursor: str) -> None:
        await asyncio.to_thread(self._write, agent, cursor)

    async def clear(self, agent: str) -> None:
        await asyncio.to_thread(self._remove, agent)

    def _write(self, agent: str, cursor: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self.path(agent)
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, "agent": agent, "cursor": cursor}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._sync_folder()

    def _remove(self, agent: str) -> None:
        if self._folder.is_dir():
            self.path(agent).unlink(missing_ok=True)
            self._sync_folder()

    def _sync_folder(self) -> None:
        """Make the rename itself survive a power cut."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def _corrupt(path: Path, why: str) -> CursorCorrupt:
        return CursorCorrupt(
            f"{path} cannot be used: {why}. Remove it to start this agent from the beginning "
            "(posts that are stored already are not stored twice)."
        )


class MemoryCursors:
    """Cursors for tests and for runs that are not resumed."""

    def __init__(self) -> None:
        self.saved: dict[str, str] = {}
        self.history: list[str] = []

    def load(self, agent: str) -> str | None:
        return self.saved.get(agent)

    async def save(self, agent: str, cursor: str) -> None:
        self.saved[agent] = cursor
        self.history.append(cursor)

    async def clear(self, agent: str) -> None:
        self.saved.pop(agent, None)
