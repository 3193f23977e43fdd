"""What faults of several servers are made of: signals to a process, and the state of the network."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.chaos.proxy import Mode, Proxy


class NotHere(Exception):
    """This machine cannot do it; the message says why."""


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(pid, number)


@asynccontextmanager
async def paused(pid: int) -> AsyncIterator[None]:
    send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pid, signal.SIGCONT)


@asynccontextmanager
async def network(proxy: Proxy, kind: str) -> AsyncIterator[None]:
    modes: dict[str, Mode] = {"cut": "cut", "hole": "hole", "delay": "delay", "slow": "slow"}
    await proxy.set_mode(modes[kind])
    try:
        yield
    finally:
        await proxy.set_mode("open")
