"""What faults of several servers are made of: signals to a process, and the state of the network."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil

from tests.chaos.proxy import Mode, Proxy


class NotHere(Exception):
    """It cannot be done here and now; the message says why."""


def kill(pid: int) -> None:
    """SIGKILL.

    Raises:
        NotHere: the process has just ended by itself, so that it was not killed.
    """
    try:
        ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        os.kill(pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        ended = True
    if ended:
        raise NotHere("the process had just ended by itself")


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
