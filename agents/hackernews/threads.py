"""What the tasks of a ``hackernews`` agent share: versions of items, walks through threads by a few items."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable
from typing import Final, Literal

from agents.base import Collected, Gone, SourceUnavailable
from agents.discussions.failures import bear
from agents.hackernews.api import Api, Item
from agents.hackernews.cursor import DEAD, GONE, HIDDEN, Cursor, Thread
from agents.hackernews.items import digest_of, is_dead, is_deleted, kids_of, number_of, post_of, words_of
from agents.hackernews.options import SOURCE
from agents.surroundings import Surroundings

MOST_ITEMS: Final = 2000
"""Of one thread; a few stories a year have more."""
STEP: Final = 20
"""Items after which the cursor may be saved, and others have their turn."""
MOST_ANSWERS: Final = 30
ANSWER: Final = "pollopt"


class Desk:
    """What the tasks of an agent work with: the cursor, the time, the company's own users."""

    def __init__(self, api: Api, cursor: Cursor, around: Surroundings, own: Collection[str]) -> None:
        self.api = api
        self.cursor = cursor
        self.around = around
        self.clock = around.clock
        self.own = own

    @property
    def now(self) -> int:
        return int(self.clock().timestamp())

    async def version(self, item: Item, root: int, thread: Thread) -> list[Collected]:
        """What is new of an item: itself, an edit, its end; ``thread`` remembers it."""
        number = number_of(item)
        before = thread.known.get(number)
        if item.get("type") == ANSWER:
            return []
        if is_deleted(item) or is_dead(item):
            thread.known[number] = _hidden(before, certain=is_deleted(item))
            gone = thread.known[number] == GONE != before
            return [Gone(SOURCE, str(number), self.clock(), f"{SOURCE}:{number}")] if gone else []
        mark = digest_of(item)
        if before in (mark, DEAD):
            thread.known[number] = mark
            return []
        answers = await self._answers(item)
        edited = before not in (None, HIDDEN)
        thread.known[number] = mark  # from here on nothing may fail
        return [post_of(item, root=root, own=self.own, now=self.clock(), edited=edited, answers=answers)]

    async def _answers(self, item: Item) -> list[str]:
        """What can be chosen in a poll."""
        parts = item.get("parts")
        numbers = [each for each in parts if isinstance(each, int)] if isinstance(parts, list) else []
        found = [await self.api.item(number) for number in numbers[:MOST_ANSWERS]]
        return [words_of(each) for each in found if each and not is_deleted(each) and words_of(each)]


def _hidden(before: int | None, *, certain: bool) -> int:
    """The mark of an item that nobody sees now: a hidden one may come back, so it must be found so twice."""
    if before in (None, HIDDEN):
        return HIDDEN
    return GONE if certain or before in (DEAD, GONE) else DEAD


Depth = Literal["all", "new", "none"]


class Walk:
    """Items of a thread that are still to be read, and what is under them: ``depth`` says how much of it.

    ``all``: everything; ``new``: what is not known yet, and is under something that was not; ``none``.
    """

    def __init__(self, desk: Desk, root: int, thread: Thread, numbers: Iterable[int], depth: Depth) -> None:
        self.root = root
        self.thread = thread
        self.found = 0
        self.complete = True
        """Whether every item could be read."""
        self._desk = desk
        self._depth = depth
        self._left = deque(numbers)
        self._read = 0

    @property
    def over(self) -> bool:
        return not self._left or self._read >= MOST_ITEMS

    async def some(self) -> AsyncIterator[list[Collected]]:
        """What is new of the next items, `STEP` at most; those that cannot be read are passed over.

        Raises:
            SourceUnavailable: Hacker News wants to be left alone; the walk may go on later.
        """
        items = list[Collected]()
        for _ in range(STEP):
            if self.over:
                break
            number = self._left[0]
            try:
                items += await self._item(number)
            except SourceUnavailable as error:
                try:
                    bear(error, self._desk.around, f"the item {number}")
                except SourceUnavailable:
                    yield items  # they are noted as known
                    raise
                self.complete = False
            self._left.popleft()
        self.found += len(items)
        yield items

    async def _item(self, number: int) -> list[Collected]:
        if self._depth == "new" and number in self.thread.known:
            return []
        self._read += 1
        item = await self._desk.api.item(number)
        if item is None:
            return []
        news = await self._desk.version(item, self.root, self.thread)
        if self._depth != "none":
            self._left.extend(kids_of(item))
        return news
