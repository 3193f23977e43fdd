"""A period of the past: searches in windows, then wall by wall with all comments under its posts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from agents.base import Collected
from agents.vk.comments import Tree
from agents.vk.cursor import Hole, Search, Wall, Watched
from agents.vk.desk import Answer, Desk, pages
from agents.vk.failures import Troubled
from agents.vk.names import native_id
from agents.vk.posts import Item, number_of, post_of
from agents.vk.searches import Searches
from agents.vk.walls import SIZE, call_of

QUERY, WALL = "q:", "w:"
ENDLESS: Final = 1 << 40


class Past:
    """From ``since`` to before ``until``; `Cursor.queue` is what is still to be read."""

    def __init__(self, desk: Desk, searches: Searches, since: datetime, until: datetime) -> None:
        self._desk = desk
        self._searches = searches
        self._since = int(since.timestamp())
        self._until = int(until.timestamp())

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Read what the queue holds; after each step the cursor may be saved."""
        cursor = self._desk.cursor
        while cursor.queue:
            what, name = cursor.queue[0][: len(QUERY)], cursor.queue[0][len(QUERY) :]
            steps = self._query(name) if what == QUERY else self._wall(int(name))
            try:
                async for items in steps:
                    yield items
            except Troubled as error:
                self._desk.complain(error)
            cursor.queue = cursor.queue[1:]
            yield []

    def _query(self, query: str) -> AsyncIterator[list[Collected]]:
        state = self._desk.cursor.searches.setdefault(query, Search(done=self._since))
        return self._searches.between(query, state, state.done, self._until)

    async def _wall(self, owner: int) -> AsyncIterator[list[Collected]]:
        """A wall from its newest post before the end of the period down; each post with its comments."""
        wall = self._desk.cursor.walls.setdefault(owner, Wall())
        if wall.hole is None:
            offset = await self._end(owner)
            wall.hole = Hole(low=0, high=ENDLESS, offset=offset, left=ENDLESS)
            yield []
        hole = wall.hole

        async def ask(offset: int) -> Answer:
            return self._desk.read(await self._desk.api.call(call_of(owner, SIZE, offset)))

        def continues(items: list[Item]) -> bool:
            return max(number_of(each, "id") for each in items) >= hole.high

        beginning = max(0, hole.offset - 1)
        async for page in pages(ask, SIZE, continues, offset=beginning):
            answer = page.answer
            items = [each for each in answer.items if not each.get("is_pinned")]
            wanted = [each for each in answer.items if self._is_inside(each)]
            yield [*answer.odd, *(post_of(each, answer.people, self._desk.moment) for each in wanted)]
            if self._desk.options.comments:
                for item in wanted:
                    async for comments in self._comments(owner, item):
                        yield comments
            hole.high = min([hole.high, *(number_of(each, "id") for each in items)])
            hole.offset = page.following
            yield []
            if any(number_of(each, "date") < self._since for each in items):
                break
        wall.hole = None

    async def _comments(self, owner: int, item: Item) -> AsyncIterator[list[Collected]]:
        tree = Tree(self._desk, native_id(owner, number_of(item, "id")), Watched(date=0))
        try:
            async for items in tree.steps():
                yield items
        except Troubled as error:
            self._desk.complain(error)

    async def _end(self, owner: int) -> int:
        """The offset of the first post before the end of the period, found by halving."""
        low, high = 0, (await self._one(owner, 0)).total
        while low < high:
            middle = (low + high) // 2
            found = (await self._one(owner, middle)).items
            dates = [number_of(each, "date") for each in found if not each.get("is_pinned")]
            if dates and dates[0] >= self._until:
                low = middle + 1
            else:
                high = middle
        return low

    async def _one(self, owner: int, offset: int) -> Answer:
        """Two posts: the first of all may be a pinned one."""
        return self._desk.read(await self._desk.api.call(call_of(owner, 2, offset)))

    def _is_inside(self, item: Item) -> bool:
        return self._since <= number_of(item, "date") < self._until
