"""Waiting for the first of several things, and ending tasks for good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


async def cancel(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they are over; who wants their errors awaits them as well."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: asyncio need not warn about it


async def either(*waits: Awaitable[Any]) -> None:
    """Wait until one of them is over and cancel the others; their outcomes are not looked at."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel(*tasks)
