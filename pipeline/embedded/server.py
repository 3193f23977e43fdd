"""What the embedded broker and the embedded ClickHouse have in common: ports, a child process, a life."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Self

from pipeline.embedded.errors import EmbeddedError, PortTaken
from pipeline.embedded.process import ChildProcess, resident_bytes

ATTEMPTS = 3
"""Free ports may be taken by somebody else before the server listens on them."""


class EmbeddedServer(ABC):
    """A server on 127.0.0.1 as a context manager. Ports that were not given are chosen once and then kept."""

    NAME: ClassVar[str]

    def __init__(self, *, fixed: bool) -> None:
        self._fixed = fixed
        self._child: ChildProcess | None = None

    @abstractmethod
    def _choose_ports(self) -> None:
        """Take free ports."""

    @abstractmethod
    def _start_once(self) -> None:
        """Start the child on the ports and wait until it answers."""

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises:
            PortTaken: a given port is not free.
            DirectoryInUse: another server works on the directory.
            DirectoryUnusable: the directory cannot be made or written.
            StartFailed: it does not come up.
            EmbeddedError: it cannot be run here.
        """
        for attempt in range(1, ATTEMPTS + 1):
            if not self._fixed:
                self._choose_ports()
            try:
                self._start_once()
            except PortTaken:
                if self._fixed or attempt == ATTEMPTS:
                    raise
            else:
                self._fixed = True
                return

    def stop(self) -> None:
        """Stop the server. Twice is once."""
        if self._child:
            self._child.stop()

    @property
    def child(self) -> ChildProcess:
        """The process behind it.

        Raises:
            EmbeddedError: it was never started.
        """
        if self._child is None:
            raise EmbeddedError(f"{self.NAME} is not started")
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    def memory_bytes(self) -> int:
        """Resident memory.

        Raises:
            EmbeddedError: the server does not run.
        """
        return resident_bytes(self.pid)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
