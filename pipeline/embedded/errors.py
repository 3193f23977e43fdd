"""What can go wrong with the embedded stack: one tree of exceptions, raised by every module here.

EmbeddedError
├── StartFailed       a child did not come up; the message holds the end of its log
│   └── PortTaken     because another process listens on its port
├── KafkaUnavailable  Java or Apache Kafka's jars cannot be had here (kafka_jars.py)
├── DirectoryInUse    another stack (or server) works on the same directory
└── DirectoryUnusable the directory cannot be made or written
"""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(RuntimeError):
    """The embedded stack cannot do what was asked; the message is meant for the user."""


class StartFailed(EmbeddedError):
    """A child process ended, or did not answer in time, instead of becoming ready."""


class PortTaken(StartFailed):
    """The port that a child was told to listen on belongs to another process."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__(
            f"{name} cannot listen on 127.0.0.1:{port}: another process has the port. "
            "Stop that process, or choose another port (0: any free one)."
        )
        self.port = port


class DirectoryUnusable(EmbeddedError):
    """The operating system refuses the directory: a file is in its place, or no permission."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(f"{directory} cannot hold the embedded stack: {error.strerror or error}")
        self.directory = directory


class DirectoryInUse(EmbeddedError):
    """A live process holds the lock of the directory; ``pid`` is that process, None if unknown."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        owner = "another process" if pid is None else f"process {pid}"
        hint = "" if pid is None else f" (kill {pid})"
        super().__init__(
            f"{directory} is in use by {owner}. Stop it{hint}, or choose another directory with --data-dir."
        )
        self.directory = directory
        self.pid = pid
