"""A server as a child process: its own session, its own log, a pipe as its lease, an ordered stop.

The child lives as long as the pipe on its standard input is open at this end, so it leaves when this process
dies in any way; ``guard.py`` gives the same manners to programs that do not watch their standard input.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from pipeline.embedded.errors import EmbeddedError, PortTaken, StartFailed

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
PORTS: Final = range(10_000, 32_768)
"""Below those that systems give to outgoing connections: what is free now still is a moment later, when the
server starts, and when it comes back after it died."""
GUARD = Path(__file__).with_name("guard.py")


class ChildProcess:
    """One server. ``name`` is for messages; ``log`` gets its output, the previous one is kept as ``.1``.

    ``grace``: how many seconds a guarded one has between SIGTERM and SIGKILL.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, guarded: bool = False, grace: float = 5.0
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._guarded = guarded
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the process, or start it again after it has ended; it is not ready yet.

        Raises:
            StartFailed: it cannot be executed.
        """
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        with self.log.open("wb") as output:
            if self._guarded:
                self._start_guarded(output.fileno(), environment)
            else:
                self._process = _spawn(self._command, output.fileno(), environment)
                self._pid = self._process.pid

    def _start_guarded(self, output: int, environment: Mapping[str, str] | None) -> None:
        read_end, write_end = os.pipe()
        guard = [sys.executable, "-I", "-S", str(GUARD), str(write_end), str(self._grace), *self._command]
        with os.fdopen(read_end, "rb") as pids:
            try:
                self._process = _spawn(guard, output, environment, (write_end,))
            finally:
                os.close(write_end)
            line = pids.readline().strip()
        if not line:
            self.stop()
            raise StartFailed(f"{self.name} cannot be started:\n{self.log_tail()}")
        self._pid = int(line)

    @property
    def pid(self) -> int:
        """The server's process id (not the guard's).

        Raises:
            EmbeddedError: it was never started.
        """
        if not self._pid:
            raise EmbeddedError(f"{self.name} is not started")
        return self._pid

    def exit_code(self) -> int | None:
        """How the process ended (128 + signal where killed), or None while it runs or before it started."""
        code = self._process.poll() if self._process else None
        return 128 - code if code is not None and code < 0 else code

    def stop(self, patience: float = 15.0) -> None:
        """Close the lease and wait ``patience`` seconds, then terminate, then kill; twice is once."""
        process = self._process
        if process is None:
            return
        if process.stdin and not process.stdin.closed:
            process.stdin.close()
        for force, seconds in ((process.terminate, patience), (process.kill, 2.0)):
            try:
                process.wait(seconds)
                return
            except subprocess.TimeoutExpired:
                force()
        process.wait()

    def log_tail(self, characters: int = 2000) -> str:
        """The end of what it wrote."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return text[-characters:].strip()

    def await_ready(self, port: int, is_ready: Callable[[], bool], seconds: float) -> None:
        """Poll ``is_ready`` until it says yes.

        Raises:
            PortTaken: the process ended because ``port`` is not free.
            StartFailed: it ended for another reason, or is not ready after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while not (accepts(port) and is_ready()):
            ended = self.exit_code() is not None
            if ended and "address" in (tail := self.log_tail().lower()) and "in use" in tail:
                raise PortTaken(self.name, port)
            if ended:
                raise StartFailed(f"{self.name} ended with {self.exit_code()}:\n{self.log_tail()}")
            if time.monotonic() >= deadline:
                raise StartFailed(f"{self.name} is not ready after {seconds:.0f} s:\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)


def _spawn(
    command: Sequence[str],
    output: int,
    environment: Mapping[str, str] | None,
    descriptors: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the parent alone, which stops things in order
        pass_fds=descriptors,
        env=None if environment is None else {**os.environ, **environment},
    )


def free_ports(count: int) -> list[int]:
    """Loopback TCP ports that nobody listens on at the moment, drawn from `PORTS`.

    Raises:
        EmbeddedError: there are not so many.
    """
    found: list[int] = []
    with ExitStack() as held:
        for port in random.SystemRandom().sample(PORTS, len(PORTS)):
            if len(found) == count:
                break
            tried = held.enter_context(socket.socket())
            with suppress(OSError):  # somebody listens
                tried.bind((LOOPBACK, port))
                found.append(port)
    if len(found) < count:
        raise EmbeddedError(f"there are no {count} free ports from {PORTS.start} to {PORTS.stop - 1}")
    return found


def accepts(port: int) -> bool:
    """Whether anybody listens on the loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def resident_bytes(pid: int) -> int:
    """Memory of a process (resident set size).

    Raises:
        EmbeddedError: there is no such process.
    """
    statm = Path(f"/proc/{pid}/statm")
    try:
        if statm.parent.parent.joinpath("self").exists():
            return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
        return int(listed.stdout) * 1024
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(f"process {pid} is gone") from error
