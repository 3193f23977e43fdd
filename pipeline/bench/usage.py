"""CPU seconds and memory of the pipeline's processes, by name, between two moments."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

import psutil

SELF = "producer"
"""This process: it publishes, as an agent does, and looks at ClickHouse."""


class Usage(NamedTuple):
    """Of all processes of a stage: CPU seconds, and the largest resident sizes seen, added up, in MiB."""

    cpu_s: float
    peak_mib: float


class Meter:
    """Measures ``processes`` (by name) from its construction on; `look` now and then, for the peaks."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.processes = {name: psutil.Process(pid) for name, pid in {**pids, SELF: os.getpid()}.items()}
        self._before = {name: _cpu_s(process) for name, process in self.processes.items()}
        self._peak = dict.fromkeys(self.processes, 0)
        self.look()

    def look(self) -> None:
        """Note the memory of every process.

        Raises:
            psutil.NoSuchProcess: one has ended.
        """
        for name, process in self.processes.items():
            self._peak[name] = max(self._peak[name], process.memory_info().rss)

    def by_stage(self) -> dict[str, Usage]:
        """Usage since the construction; ``enrichment-1`` and ``enrichment-2`` are ``enrichment``."""
        self.look()
        found: dict[str, Usage] = {}
        for name, process in self.processes.items():
            stage = re.sub(r"-\d+$", "", name)
            before = found.get(stage, Usage(0.0, 0.0))
            spent = _cpu_s(process) - self._before[name]
            found[stage] = Usage(before.cpu_s + spent, before.peak_mib + self._peak[name] / 2**20)
        return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
