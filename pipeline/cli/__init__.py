"""The command ``molva``: the entry point; the commands themselves stand in ``pipeline.cli.commands``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; Ctrl-C ends it quietly with 130, also while its modules are still being loaded."""
    try:
        from pipeline.cli.commands import run  # takes a second: a Ctrl-C meanwhile is not worth a stack trace

        run()
    except KeyboardInterrupt:
        sys.exit(130)
