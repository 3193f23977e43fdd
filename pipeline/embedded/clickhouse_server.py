"""A real ClickHouse server out of the chdb wheel; arguments: DIRECTORY PORT HTTP_PORT NONCE PASSWORD_SHA256.

Run with ``python -m``, it serves the data of DIRECTORY until standard input ends (the parent closed it, or
died), the parent is gone, or SIGTERM comes. Exit code 0 is a clean stop; errors are on standard error.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.embedded.clickhouse_config import IN_USE, ServerConfig
from pipeline.embedded.deduplication import forget_absent
from pipeline.embedded.errors import DirectoryInUse
from pipeline.embedded.lock import DirectoryLock

SERVE = """
SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT * FROM file('stdin', 'LineAsString', 'line String') FORMAT Null
"""
"""The last statement reads a pipe that stays silent: its end is the clean stop."""

STOP_SECONDS = 10.0
POLL_SECONDS = 1.0


class Engine:
    """The engine's blocking query in a thread; ``close`` ends it."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.ended, self._ending = os.pipe()  # becomes readable when the thread ends
        read_end, self._silence = os.pipe()
        os.dup2(read_end, 0)
        os.close(read_end)
        self.failed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            result = self._module.query(SERVE, "TabSeparated")
            self.failed = bool(result.has_error())
            if self.failed:
                print(result.error_message(), file=sys.stderr, flush=True)
        finally:
            os.close(self._ending)

    def close(self) -> bool:
        """End the query and with it the server; False where it did not end in time."""
        os.close(self._silence)
        self._thread.join(STOP_SECONDS)
        return not self._thread.is_alive()


def main() -> int:
    """Serve until told to leave; the exit code."""
    directory = Path(sys.argv[1]).resolve()
    config = ServerConfig(int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lease, parent = os.dup(0), os.getppid()
    lock = DirectoryLock(directory)
    try:
        lock.acquire()
    except DirectoryInUse as error:
        print(error, file=sys.stderr)
        return IN_USE
    config.write(directory)
    for table, part in forget_absent(directory / "data"):
        print(f"{table}: the insert of {part} was cut short; it may be repeated", file=sys.stderr, flush=True)
    return _serve(directory, lease, parent)


def _serve(directory: Path, lease: int, parent: int) -> int:
    engine_module = _import_engine()
    engine_module.set_signal_handlers_enabled(0)
    os.chdir(directory)
    told, tell = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(tell, b"!"))
    engine = Engine(engine_module)
    watched = [lease, told, engine.ended]
    while os.getppid() == parent and not select.select(watched, [], [], POLL_SECONDS)[0]:
        pass
    if not engine.close():
        print(f"the engine did not stop within {STOP_SECONDS:.0f} s", file=sys.stderr, flush=True)
        os._exit(1)  # its threads cannot be joined; the data is as safe as after kill -9
    return 1 if engine.failed else 0


def _import_engine() -> Any:
    """Half a gigabyte, so only when needed; in an empty directory: it obeys a ``config.xml`` there."""
    with TemporaryDirectory() as empty:
        os.chdir(empty)
        module = importlib.import_module("chdb._chdb")
        os.chdir("/")
    return module


if __name__ == "__main__":
    sys.exit(main())
