"""What the pipeline's processes hold while posts flow, sampled: does anything grow that should not?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import linear_regression
from typing import NamedTuple

import psutil

HOUR_S = 3600.0
SETTLED = 1 / 3
"""The first third of the time is left out of slopes: caches fill, and the allocators find their size."""


class Line(NamedTuple):
    """How one number went: first, largest and last value, and the slope of a straight line, per hour.

    ``per_hour`` is None for fewer than three samples.
    """

    first: float
    peak: float
    last: float
    per_hour: float | None


class Held:
    """Samples of memory (MiB), file descriptors, sockets and threads of every process, and lags of groups."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._at: list[float] = []
        self._seen: dict[str, list[float]] = {}

    def sample(self, second: float, lags: Mapping[str, int]) -> None:
        """Note everything; ``lags`` are records by consumer group.

        Raises:
            psutil.NoSuchProcess: a process has ended.
        """
        self._at.append(second)
        for group, lag in lags.items():
            self._seen.setdefault(f"lag {group}", []).append(lag)
        for name, process in self._processes.items():
            held = {
                "mib": process.memory_info().rss / 2**20,
                "descriptors": process.num_fds(),
                "sockets": len(process.net_connections("all")),
                "threads": process.num_threads(),
            }
            for what, value in held.items():
                self._seen.setdefault(f"{name} {what}", []).append(value)

    def lines(self) -> dict[str, Line]:
        """Every number by its name: ``storage mib``, ``lag molva-storage``."""
        return {name: line(self._at, values) for name, values in self._seen.items()}


def line(seconds: Sequence[float], values: Sequence[float]) -> Line:
    """How the values went; both sequences have the same length, at least 1."""
    settled = seconds[0] + (seconds[-1] - seconds[0]) * SETTLED
    later = [(at, value) for at, value in zip(seconds, values, strict=True) if at >= settled]
    slope = linear_regression(*zip(*later, strict=True)).slope * HOUR_S if len(later) > 2 else None
    told = None if slope is None else round(slope, 2)
    return Line(round(values[0], 1), round(max(values), 1), round(values[-1], 1), told)
