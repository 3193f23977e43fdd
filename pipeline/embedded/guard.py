"""Runs one server and sees to it that the server never outlives the process that asked for it.

``python guard.py PID_FD GRACE COMMAND...``: standard input is the lease. At its end (the parent closed it, or
died in any way), or when the parent is gone, the server gets SIGTERM, and SIGKILL GRACE seconds later. The
server's process id is written to PID_FD. Standard library only: it runs isolated (``-I -S``) to be small and
quick.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys

POLL_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


def main() -> int:
    pid_fd, grace, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    parent = os.getppid()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for name in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard
    )  # single-threaded
    os.write(pid_fd, f"{server.pid}\n".encode())
    os.close(pid_fd)
    while server.poll() is None and os.getppid() == parent:
        ready, _, _ = select.select([0, woken], [], [], POLL_SECONDS)
        if 0 in ready or (woken in ready and signal.SIGTERM in os.read(woken, 64)):
            break
    return _stop(server, grace)


def _stop(server: subprocess.Popen[bytes], grace: float) -> int:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(grace)
        except subprocess.TimeoutExpired:
            server.kill()
    code = server.wait()
    return code if code >= 0 else 128 - code


def _die_with_guard() -> None:
    """In the server, before exec: have Linux kill it when the guard itself is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
