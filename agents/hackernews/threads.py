"""Threads under stories that were found: read whole, again as they age, and where news of changes comes."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime
from typing import Final

from agents.base import Collected, Gone, SourceUnavailable
from agents.discussions.aging import rest_after
from agents.discussions.posting import count_of
from agents.discussions.rounds import Task
from agents.hackernews.api import Api, Item
from agents.hackernews.cursor import DEAD, GONE, HIDDEN, Cursor, Thread
from agents.hackernews.items import digest_of, is_dead, is_deleted, kids_of, number_of, post_of, words_of
from agents.hackernews.options import SOURCE
from agents.pace import Pace

MOST_ITEMS: Final = 2000
"""Of one thread; a few stories a year have more."""
STEP: Final = 20
"""Items after which the cursor may be saved."""
MOST_ANSWERS: Final = 30
ANSWER: Final = "pollopt"


class Desk:
    """What the tasks of an agent work with: the cursor, the time, the company's own users."""

    def __init__(self, api: Api, cursor: Cursor, clock: Callable[[], datetime], own: Collection[str]) -> None:
        self.api = api
        self.cursor = cursor
        self.clock = clock
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


class Following(Task):
    """Reads threads again when they are due."""

    urgency = 1
    required = False

    def __init__(self, desk: Desk, pace: Pace, span: int) -> None:
        """``span``: seconds for which a thread is followed."""
        super().__init__("threads", pace)
        self._desk = desk
        self._span = span

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """See `Task.steps`."""
        desk = self._desk
        desk.cursor.trim(desk.now, self._span)
        late = sorted((each.due, root) for root, each in desk.cursor.threads.items() if each.due <= desk.now)
        for _, root in late:
            thread = desk.cursor.threads[root]
            found = 0
            async for items in self._whole(root, thread) if thread.whole else self._pieces(root, thread):
                found += len(items)
                yield items
            thread.due = desk.now + rest_after(desk.now - thread.date, lively=found > 0)
            yield []

    async def _whole(self, root: int, thread: Thread) -> AsyncIterator[list[Collected]]:
        """The story, and where the number of comments has changed all of them."""
        desk = self._desk
        story = await desk.api.item(root)
        if story is None:
            return
        yield await desk.version(story, root, thread)
        count = count_of(story.get("descendants"))
        if count is not None and count == thread.count:
            return
        async for items in below(desk, story, root, thread, fresh_only=False):
            yield items
        thread.count = -1 if count is None else count

    async def _pieces(self, root: int, thread: Thread) -> AsyncIterator[list[Collected]]:
        """The items by themselves."""
        for number in [each for each, mark in thread.known.items() if mark != GONE]:
            item = await self._desk.api.item(number)
            if item is not None:
                yield await self._desk.version(item, root, thread)


async def below(
    desk: Desk, top: Item, root: int, thread: Thread, *, fresh_only: bool
) -> AsyncIterator[list[Collected]]:
    """What is under an item, level by level; ``fresh_only``: not under what is known already."""
    queue, read, items = deque(kids_of(top)), 0, list[Collected]()
    while queue and read < MOST_ITEMS:
        number = queue.popleft()
        if fresh_only and number in thread.known:
            continue
        read += 1
        try:
            item = await desk.api.item(number)
            items += await desk.version(item, root, thread) if item is not None else []
        except SourceUnavailable:
            yield items  # they are noted as known
            raise
        queue.extend(kids_of(item or {}))
        if read % STEP == 0:
            yield items
            items = []
    yield items


class Changes(Task):
    """Asks which items of the site changed lately, and reads those that are known."""

    urgency = 0
    required = False

    def __init__(self, desk: Desk, pace: Pace) -> None:
        super().__init__("changes", pace)
        self._desk = desk

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """See `Task.steps`."""
        desk = self._desk
        threads = desk.cursor.threads
        if not threads:
            return
        changed = set(await desk.api.updates())
        for root, thread in list(threads.items()):
            for number in changed & thread.known.keys():
                item = await desk.api.item(number)
                if item is None:
                    continue
                yield await desk.version(item, root, thread)
                if thread.whole:
                    async for items in below(desk, item, root, thread, fresh_only=True):
                        yield items
