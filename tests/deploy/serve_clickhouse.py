"""Serve ``config.xml`` of the current directory with chdb's ClickHouse engine until standard input ends.

Run as a child process by conftest.py: the server set-up's configuration on an engine without a container.
Prints ``listening`` once clients can connect.
"""

from __future__ import annotations

import os
import sys
import threading

from chdb import _chdb

# The last statement reads a pipe that stays silent until its other end is closed.
SERVE = """
SYSTEM START LISTEN TCP;
SELECT 'listening' INTO OUTFILE '/dev/stdout' APPEND FORMAT TabSeparated;
SELECT * FROM file('stdin', 'LineAsString', 'line String') FORMAT Null
"""


def main() -> None:
    """Return when the parent closes standard input, or dies."""
    _chdb.set_signal_handlers_enabled(0)
    lease = os.dup(0)
    silence, end = os.pipe()
    os.dup2(silence, 0)
    os.close(silence)
    engine = threading.Thread(target=serve, daemon=True)
    engine.start()
    while os.read(lease, 4096):
        pass
    os.close(end)
    engine.join(10)


def serve() -> None:
    """Run the engine; where it cannot serve, end the process with its message."""
    result = _chdb.query(SERVE, "TabSeparated")
    if result.has_error():
        print(result.error_message(), file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
