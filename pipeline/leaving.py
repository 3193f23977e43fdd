"""A process that was told to stop leaves in time, also where a server or a thread of it does not answer.

Nothing is lost by it: what was not acknowledged is delivered again, what was not confirmed published again.
"""

from __future__ import annotations

import logging
import os
import threading

STOP_SECONDS = 9.0
"""From SIGTERM to the end at the latest; process managers (Docker, `pipeline.supervisor`) kill after 10."""

log = logging.getLogger("molva.leaving")


def leave_within(seconds: float, code: int = 0) -> None:
    """End the process for sure: Python waits at its end for threads that hang, libraries for their servers.

    Args:
        seconds: from now; an end in order before that is the rule.
        code: the exit code where it comes to this.
    """

    def leave() -> None:
        log.warning("something does not let go within %.0f s: leaving without it", seconds)
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
