"""How the processes of Molva tune Python's collector of cyclic garbage."""

from __future__ import annotations

import gc

YOUNGEST = 50_000
"""Objects between two collections of the youngest; Python's own 700 is less than one batch of records, and
takes a quarter of the ingest's time."""


def settle() -> None:
    """Tell the collector that what is loaded stays; once a process has loaded what it needs.

    Else every full collection walks modules, models and caches, and a batch of decoded records, which has no
    cycles, is walked several times (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, 20, 50)
