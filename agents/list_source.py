"""A source that yields a list: for tests, of the runner and of what stands on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from agents.base import Collected, Progress


class ListSource:
    """Yields a list; its cursor is the number of items behind.

    A gate holds it before an item; an exception in the list is raised, once.
    """

    name = "list:one"
    timeline = "replay:one"

    def __init__(self, items: Sequence[Collected | Exception], *, grace: timedelta | None = None) -> None:
        self.items = list(items)
        self.grace = grace
        self.starts: list[str | None] = []
        self.waiting = asyncio.Event()
        self.gates: dict[int, asyncio.Event] = {}

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        self.starts.append(cursor)
        for index in range(int(cursor or 0), len(self.items)):
            if index in self.gates:
                self.waiting.set()
                await self.gates[index].wait()
            item = self.items[index]
            if isinstance(item, Exception):
                self.items[index] = Progress(str(index + 1))
                raise item
            yield item._replace(cursor=str(index + 1))
