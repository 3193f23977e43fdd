"""An exclusive lock on a directory that ends with its process, however that dies (flock on ``lock``)."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.embedded.errors import DirectoryInUse, DirectoryUnusable

FILE_NAME = "lock"
POLL_SECONDS = 0.05


class DirectoryLock:
    """Holds ``<directory>/lock`` with this process's id in it, from ``acquire`` to ``release``."""

    def __init__(self, directory: Path, patience: float = 1.0) -> None:
        """``patience``: seconds to wait for an owner that is just leaving."""
        self.directory = directory
        self._patience = patience
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            DirectoryInUse: it is held by another process.
            DirectoryUnusable: it cannot be made or written.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.directory / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DirectoryUnusable(self.directory, error) from error
        try:
            self._wait(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + self._patience
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise DirectoryInUse(self.directory, _read_pid(descriptor))
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lock_owner(directory: Path) -> int | None:
    """The id of the live process that holds the directory's lock, or None where nobody does."""
    try:
        descriptor = os.open(directory / FILE_NAME, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _try_lock(descriptor, fcntl.LOCK_SH) else _read_pid(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
