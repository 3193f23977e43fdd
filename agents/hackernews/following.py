"""Threads under stories that were found: read whole, again as they age, and where news of changes comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from agents.base import Collected, SourceUnavailable
from agents.discussions.aging import rest_after, rest_after_failures
from agents.discussions.failures import bear
from agents.discussions.posting import count_of
from agents.discussions.rounds import Task
from agents.hackernews.api import Item, Query, item_of_hit
from agents.hackernews.cursor import GONE, Thread
from agents.hackernews.items import kids_of, number_of
from agents.hackernews.search import OVERLAP, windows
from agents.hackernews.threads import STEP, Desk, Walk
from agents.pace import Pace

WHOLE_EVERY: Final = 6 * 3600
"""Seconds after which a thread whose number of comments changed is read whole again, item by item; before,
only what the search finds there."""


class Following(Task):
    """Reads threads again when they are due, a few items each time: no search waits for a long thread."""

    urgency = 1
    required = False

    def __init__(self, desk: Desk, pace: Pace, span: int) -> None:
        """``span``: seconds for which a thread is followed."""
        super().__init__("threads", pace)
        self._desk = desk
        self._span = span
        self._walk: Walk | None = None
        self._after: dict[str, int] = {}
        """What is to be noted of the thread once the walk has read everything."""

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """See `Task.steps`: go on with a thread, or begin the one that waits longest."""
        desk = self._desk
        if self._walk is None:
            desk.cursor.trim(desk.now, self._span)
            late = [(each.due, root) for root, each in desk.cursor.threads.items() if each.due <= desk.now]
            self.unfinished = bool(late)
            if not late:
                return
            root = min(late)[1]
            thread = desk.cursor.threads[root]
            try:
                async for items in self._begin(root, thread):
                    yield items
            except SourceUnavailable as error:
                bear(error, desk.around, f"the thread {root}")
                self._failed(thread)
                yield []
                return
        walk = self._walk
        assert walk is not None
        async for items in walk.some():
            yield items
        if walk.over:
            self._end(walk)
            yield []

    async def _begin(self, root: int, thread: Thread) -> AsyncIterator[list[Collected]]:
        """Find out what of a thread is to be read."""
        desk = self._desk
        self._after = {}
        if not thread.whole:
            known = [number for number, mark in thread.known.items() if mark != GONE]
            self._walk = Walk(desk, root, thread, known, "none")
            return
        story = await desk.api.item(root)
        yield [] if story is None else await desk.version(story, root, thread)
        count = None if story is None else count_of(story.get("descendants"))
        if story is None or (count is not None and count == thread.count):
            self._walk = Walk(desk, root, thread, (), "none")
        elif desk.now - thread.read < WHOLE_EVERY:
            self._walk = Walk(desk, root, thread, await self._news(root, thread), "new")
        else:
            self._after = {"read": desk.now, "asked": desk.now, "count": -1 if count is None else count}
            self._walk = Walk(desk, root, thread, kids_of(story), "all")

    async def _news(self, root: int, thread: Thread) -> list[int]:
        """What the search finds under a story since it was asked last."""
        now, query = self._desk.now, Query(f"story:{root}", tags=f"comment,story_{root}")
        since = max(thread.asked, thread.date) - OVERLAP
        found = list[Item]()
        async for hits, _ in windows(self._desk.api, query, since, now + 1):
            found += hits
        self._after = {"asked": now}
        numbers = (number_of(item_of_hit(hit)) for hit in found)
        return [number for number in numbers if number not in thread.known]

    def _end(self, walk: Walk) -> None:
        thread, now = walk.thread, self._desk.now
        self._walk = None
        if not walk.complete:
            self._failed(thread)
            return
        thread.failures = 0
        for name, moment in self._after.items():
            setattr(thread, name, moment)
        thread.due = now + rest_after(now - thread.date, lively=walk.found > 0)

    def _failed(self, thread: Thread) -> None:
        """What is missing is looked for later, each time twice as late."""
        thread.failures += 1
        thread.due = self._desk.now + rest_after_failures(thread.failures)


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
            for number in sorted(changed & thread.known.keys()):
                async for items in self._changed(root, thread, number):
                    yield items

    async def _changed(self, root: int, thread: Thread, number: int) -> AsyncIterator[list[Collected]]:
        """An item, and what is new under it; more than a little is left to `Following`."""
        desk = self._desk
        try:
            item = await desk.api.item(number)
            yield [] if item is None else await desk.version(item, root, thread)
        except SourceUnavailable as error:
            bear(error, desk.around, f"the item {number}")
            return
        fresh = [kid for kid in kids_of(item or {}) if kid not in thread.known]
        if not thread.whole or not thread.read:
            return  # it is not followed, or is being read
        if len(fresh) > STEP:
            thread.due = min(thread.due, desk.now)
            return
        walk = Walk(desk, root, thread, fresh, "new")
        while not walk.over:
            async for items in walk.some():
                yield items
