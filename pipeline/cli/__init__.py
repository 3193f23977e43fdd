"""The command ``molva``: the entry point; the commands themselves stand in ``pipeline.cli.commands``."""

from __future__ import annotations

import os
import sys

LAZY_DATES = "CLICKHOUSE_DRIVER_LASY_DATE_LUT"


def main() -> None:
    """Run the command; Ctrl-C ends it quietly with 130, also while its modules are still being loaded."""
    # clickhouse-driver else fills two tables with every day of four centuries: 0.1 s and 25 MB per process
    os.environ.setdefault(LAZY_DATES, "as they come")
    try:
        from pipeline.cli.commands import run  # takes a second: a Ctrl-C meanwhile is not worth a stack trace

        run()
    except KeyboardInterrupt:
        sys.exit(130)
