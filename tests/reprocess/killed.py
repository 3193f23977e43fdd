"""A run of molva reprocess that kills itself, as kill -9 would, at the point that its argument names.

``python -m tests.reprocess.killed POINT``; the settings come from the environment.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pipeline.reprocess.making import Making
from pipeline.reprocess.replacement import Replacement
from pipeline.reprocess.shadow import Shadow
from pipeline.settings import Settings
from tests.reprocess.runs import reprocess

POINTS: dict[str, tuple[type, str, int]] = {
    "within a chunk": (Making, "_insert", 5),
    "between chunks": (Making, "_before", 2),
    "copying": (Replacement, "_copy", 2),
    "held": (Replacement, "build_rollups", 1),
    "keeping": (Replacement, "_exchange", 4),
    "replacing": (Replacement, "_exchange", 10),
    "replaced": (Shadow, "drop_next", 1),
}
"""Where: the call of a method, counted from 1, before which the process dies."""


def dying(method: Callable[..., Any], at: int) -> Callable[..., Any]:
    """``method`` as it was, until its call number ``at``."""
    calls = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments, **named)

    return call


def main() -> None:
    """Run until the point is reached; an exit in order means that it was not."""
    owner, name, at = POINTS[sys.argv[1]]
    setattr(owner, name, dying(getattr(owner, name), at))
    reprocess(Settings())


if __name__ == "__main__":
    main()
