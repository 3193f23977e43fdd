"""Keeps a set of worker processes running on one machine: restarts what crashes, stops all in order.

It is the process manager of ``molva up``; on a server Docker or Kubernetes does this.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.embedded.process import ChildProcess
from pipeline.errors import DeadLetterStorm

FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 30.0
STOP_S = 10.0
"""A worker has this long between SIGTERM and SIGKILL; every worker ends in order within it."""
CALM_S = 60.0
"""A worker that ran this long before it crashed is restarted without delay again."""


class WorkerSpec(NamedTuple):
    """One worker process: ``molva <arguments>`` under ``name``, with its own metrics port."""

    name: str
    arguments: tuple[str, ...]
    metrics_port: int


class Crash(NamedTuple):
    """A worker that ended by itself; ``restart_in`` is in seconds, None: it stays stopped."""

    name: str
    exit_code: int
    restart_in: float | None
    log: Path
    tail: str
    """The end of its log."""


@dataclass
class _Worker:
    spec: WorkerSpec
    process: ChildProcess
    started: float = 0.0
    restart_at: float | None = None
    backoff: float = FIRST_BACKOFF_S
    restarts: int = 0
    begun: bool = False
    stopped: bool = False


class Supervisor:
    """Starts, watches and stops workers. ``monotonic`` is the clock in seconds."""

    def __init__(
        self,
        specs: Sequence[WorkerSpec],
        environment: Mapping[str, str],
        log_dir: Path,
        monotonic: Callable[[], float],
    ) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._environment = dict(environment)
        self._monotonic = monotonic
        self._workers = {spec.name: _Worker(spec, _process(spec, log_dir)) for spec in specs}

    def start(self) -> None:
        """Start every worker that was not started yet; they are not ready yet."""
        self.start_only(self._workers)

    def start_only(self, names: Iterable[str]) -> None:
        """Start some workers before the others."""
        for worker in [self._workers[name] for name in names]:
            if not worker.begun:
                self._start(worker)

    def change(self, environment: Mapping[str, str]) -> None:
        """Workers that start from now on, again or for the first time, get this environment."""
        self._environment = dict(environment)

    def poll(self) -> list[Crash]:
        """Restart what is due; return the workers that have ended since the last call."""
        now = self._monotonic()
        crashes = []
        for worker in self._workers.values():
            if worker.stopped or not worker.begun:
                continue
            if worker.restart_at is not None:
                if now >= worker.restart_at:
                    worker.restarts += 1
                    self._start(worker)
                continue
            code = worker.process.exit_code()
            if code is None:
                continue
            process = worker.process
            if code == DeadLetterStorm.exit_code:  # it would only go on draining its topic
                worker.stopped = True
                crashes.append(Crash(worker.spec.name, code, None, process.log, process.log_tail()))
                continue
            if now - worker.started >= CALM_S:
                worker.backoff = FIRST_BACKOFF_S
            worker.restart_at = now + worker.backoff
            crashes.append(Crash(worker.spec.name, code, worker.backoff, process.log, process.log_tail()))
            worker.backoff = min(MAX_BACKOFF_S, worker.backoff * 2)
        return crashes

    def pids(self) -> dict[str, int]:
        """The process ids of the running workers, by name."""
        return {
            name: worker.process.pid
            for name, worker in self._workers.items()
            if worker.begun and worker.restart_at is None and worker.process.exit_code() is None
        }

    def restarts(self) -> dict[str, int]:
        """How often each worker was restarted."""
        return {name: worker.restarts for name, worker in self._workers.items()}

    @property
    def specs(self) -> list[WorkerSpec]:
        """The workers, in the order of their start."""
        return [worker.spec for worker in self._workers.values()]

    def stop(self) -> None:
        """Stop every worker, the first started (the one furthest upstream) first."""
        self.stop_only(list(self._workers))

    def stop_only(self, names: Iterable[str]) -> None:
        """Stop some workers for good."""
        for name in names:
            self._workers[name].process.stop()
            self._workers[name].stopped = True

    def _start(self, worker: _Worker) -> None:
        worker.restart_at, worker.begun = None, True
        worker.started = self._monotonic()
        own = {"MOLVA_METRICS_PORT": str(worker.spec.metrics_port), "MOLVA_DEAD_LETTER_HOLD": "0"}
        environment = {**self._environment, **own}
        worker.process.start(environment)


def _process(spec: WorkerSpec, log_dir: Path) -> ChildProcess:
    command = [sys.executable, "-m", "pipeline.cli", *spec.arguments]
    return ChildProcess(spec.name, command, log_dir / f"{spec.name}.log", guarded=True, grace=STOP_S)
