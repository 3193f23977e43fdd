"""The cursor of a ``hackernews`` agent: how far queries were read, and which threads are followed."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import BaseModel

from agents.cursor_state import CursorState
from agents.seen import Marks

MAX_THREADS: Final = 400
MAX_ITEMS: Final = 12_000
"""Items of all threads: 200 KB of the cursor."""
GONE, DEAD, HIDDEN = 0, 1, 2
"""Marks of items: told to be gone; published and now found hidden once; hidden or deleted from the beginning.
Other marks are digests."""


class Search(BaseModel):
    """``done``: Unix seconds up to which a query was read; ``deep``: when late results were looked for."""

    done: int = 0
    deep: int = 0


class Thread(BaseModel):
    """A story with what is known under it, all moments in Unix seconds.

    Attributes:
        whole: all of it is collected; else only the items in ``known`` are looked at again.
        count: comments at the last reading of the whole, which began at ``read``.
        asked: when the search was asked for what is new under it.
        failures: how often in a row a reading was incomplete.
        known: items by number, with a mark of what they say.
    """

    date: int
    due: int = 0
    whole: bool = False
    count: int = -1
    read: int = 0
    asked: int = 0
    failures: int = 0
    known: Marks = {}


class Cursor(CursorState):
    """Everything that a restart must know."""

    OF: ClassVar[str] = "a hackernews agent"

    searches: dict[str, Search] = {}
    threads: dict[int, Thread] = {}
    """By the number of the story."""

    def knows(self, number: int) -> bool:
        return any(number in thread.known for thread in self.threads.values())

    def trim(self, now: int, span: int) -> None:
        """Forget threads that are older than ``span``, and the oldest of too many."""
        kept = [(root, each) for root, each in self.threads.items() if now - each.date <= span]
        kept.sort(key=lambda pair: pair[1].date, reverse=True)
        room, threads = MAX_ITEMS, {}
        for root, each in kept[:MAX_THREADS]:
            if len(each.known) <= room:
                threads[root] = each
                room -= len(each.known)
        self.threads = threads
