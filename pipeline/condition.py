"""What a process knows of its own condition: is it alive, is it ready, and if not, why.

Loops report here; `pipeline.endpoint` answers ``/healthz`` and ``/readyz`` with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 15.0
"""An event loop that has not turned for so long is taken for dead; what a stage computes runs in threads."""
LOOP, WATCHDOG, PARTITIONS, KAFKA, CLICKHOUSE = "event loop", "watchdog", "partitions", "kafka", "clickhouse"
MODELS = "models"
OK = "ok"


class Answer(NamedTuple):
    """Yes or no, and of every part ``ok`` or what is wrong with it."""

    yes: bool
    parts: dict[str, str]


class Condition:
    """The parts of one process. Written by its loops, read by the thread that answers.

    ``monotonic`` is a clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beat_at: float | None = None
        self._fatal: dict[str, str] = {}
        self._needed: dict[str, str] = {}
        self._troubles: dict[str, dict[str, str]] = {}

    def need(self, *parts: str) -> None:
        """Not ready until each of the parts has been told well."""
        for part in parts:
            self._needed.setdefault(part, "not yet")

    def well(self, part: str) -> None:
        """A part that readiness needs is fine."""
        self._needed[part] = OK

    def unwell(self, part: str, reason: str) -> None:
        """A part that readiness needs is not fine."""
        self._needed[part] = reason

    def trouble(self, part: str, who: str, reason: str | None) -> None:
        """One of several users of a part has trouble with it (None: no longer); one is enough."""
        users = self._troubles.setdefault(part, {})
        if reason is None:
            users.pop(who, None)
        else:
            users[who] = reason
        self._needed[part] = next((f"{name}: {why}" for name, why in list(users.items())), OK)

    def fatal(self, part: str, reason: str) -> None:
        """The process can only be ended: it is not alive any more."""
        self._fatal[part] = reason

    async def beat(self) -> None:
        """Say that the event loop turns, once a second, until cancelled."""
        while True:
            self._beat_at = self._monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """`beat` in the running event loop for as long as the block runs."""
        task = asyncio.get_running_loop().create_task(self.beat(), name="beat")
        try:
            yield
        finally:
            task.cancel()

    def alive(self) -> Answer:
        """No where the process should be ended: its loop stands still, or the watchdog has given it up."""
        silence = 0.0 if self._beat_at is None else self._monotonic() - self._beat_at
        still = f"has not turned for {silence:.0f} s" if silence > SILENCE_SECONDS else OK
        parts = {LOOP: "starting" if self._beat_at is None else still, **dict(self._fatal)}
        return Answer(still == OK and not self._fatal, parts)

    def ready(self) -> Answer:
        """Yes where the process does its work: alive, with its partitions, its servers answer."""
        alive, parts = self.alive(), dict(self._needed)
        well = alive.yes and self._beat_at is not None and all(state == OK for state in parts.values())
        return Answer(well, {**alive.parts, **parts})
