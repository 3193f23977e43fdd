"""Walls: their newest posts, many walls in one request, and the holes that are left behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

from agents.base import Collected
from agents.vk.api import MOST_CALLS, NAMES, Call
from agents.vk.cursor import MAX_WATCHED, Hole, Wall
from agents.vk.desk import Answer, Desk, Page, pages
from agents.vk.failures import Restricted, Troubled
from agents.vk.names import native_id
from agents.vk.posts import Item, number_of, post_of
from agents.vk.watch import Watch

NEWEST: Final = 20
"""Posts of a wall in a request for many: their answers must fit into one of 5 MB."""
SIZE: Final = 100
GAP: Final = 10_000
"""Posts that are read at most where an agent was away for long."""
CLOSED: Final = timedelta(hours=6)
"""When a wall that is closed is asked again."""
TROUBLED: Final = timedelta(minutes=10)
"""When a wall is asked again that VK gave another error for."""
DAY: Final = 86_400
RESERVE: Final = 1.25
"""So much slower than VK's daily limits would allow."""


class Walls:
    """The walls of some owners."""

    def __init__(self, desk: Desk, owners: Sequence[int], watch: Watch) -> None:
        self._desk = desk
        self._watch = watch
        self.due_of = dict.fromkeys(owners, float(desk.now))
        budget = desk.options.daily_walls * max(1, desk.api.tokens.count("wall.get"))
        self.interval = max(desk.options.every.total_seconds(), RESERVE * DAY * len(owners) / budget)
        """Seconds between two readings of a wall."""

    @property
    def due(self) -> float:
        """When the next wall is due, Unix seconds; infinite where there is none."""
        return min(self.due_of.values(), default=float("inf"))

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Read the walls that are due, at most as many as one request takes."""
        late = sorted((due, owner) for owner, due in self.due_of.items() if due <= self._desk.now)
        due = [owner for _, owner in late[:MOST_CALLS]]
        for owner in due:
            async for items in self._fill(owner):
                yield items
        # where a hole is still open the next page would hide it
        owners = [owner for owner in due if not self._has_hole(owner)]
        answers = await self._desk.api.batch([call_of(owner, NEWEST) for owner in owners])
        for owner, given in zip(owners, answers, strict=True):
            try:
                if isinstance(given, Troubled):
                    raise given
                answer = self._desk.read(given)
            except Troubled as error:
                self._refused(owner, error)
                continue
            self.due_of[owner] = self._desk.now + self.interval
            yield self._newest(owner, answer)
        for owner in owners:
            async for items in self._fill(owner):
                yield items

    def _has_hole(self, owner: int) -> bool:
        wall = self._desk.cursor.walls.get(owner)
        return wall is not None and wall.hole is not None

    def _refused(self, owner: int, error: Troubled) -> None:
        self._desk.complain(error)
        wait = CLOSED if isinstance(error, Restricted) else TROUBLED
        self.due_of[owner] = self._desk.now + wait.total_seconds()

    def _newest(self, owner: int, answer: Answer) -> list[Collected]:
        """What is new on the first page of a wall, the newest last."""
        wall = self._desk.cursor.walls.setdefault(owner, Wall())
        begins = not wall.since
        items = [item for item in answer.items if not item.get("is_pinned")]
        fresh = [item for item in answer.items if begins or self._is_new(item, owner, wall)]
        numbers = [number_of(item, "id") for item in items]
        more = answer.total > len(answer.items) and bool(numbers) and min(numbers) > wall.last + 1
        history = self._desk.options.history
        if begins:
            fresh = sorted(fresh, key=_date)[-history:] if history else []
        left = history - len(fresh) if begins else GAP
        if more and left > 0:
            wall.hole = Hole(low=wall.last, high=min(numbers), offset=len(answer.items), left=left)
        wall.last, wall.since = max([wall.last, *numbers]), wall.since or self._desk.now
        return [*answer.odd, *self._taken(fresh, answer)]

    def _is_new(self, item: Item, owner: int, wall: Wall) -> bool:
        """Also a post with an older number, where its date says that it was published later."""
        number, watched = number_of(item, "id"), self._desk.cursor.watched
        if number > wall.last:
            return True
        lately = _date(item) >= max(wall.since, self._desk.now - min(DAY, self._desk.span))
        return lately and native_id(owner, number) not in watched and len(watched) < MAX_WATCHED

    async def _fill(self, owner: int) -> AsyncIterator[list[Collected]]:
        """Read what a wall has below its newest page, from the newest on."""
        wall = self._desk.cursor.walls.get(owner)
        if wall is None or wall.hole is None:
            return
        try:
            async for page in self._below(owner, wall, wall.hole):
                yield self._filled(wall, wall.hole, page)
                if wall.hole is None:
                    return
        except Troubled as error:
            self._refused(owner, error)
            return
        wall.hole = None
        yield []

    def _below(self, owner: int, wall: Wall, hole: Hole) -> AsyncIterator[Page]:
        async def ask(offset: int) -> Answer:
            return self._desk.read(await self._desk.api.call(call_of(owner, SIZE, offset)))

        def continues(items: list[Item]) -> bool:
            high = hole.high if wall.hole is None else wall.hole.high
            return max(_numbers(items), default=high) >= high

        return pages(ask, SIZE, continues, offset=max(0, hole.offset - 1))

    def _filled(self, wall: Wall, hole: Hole, page: Page) -> list[Collected]:
        items = page.answer.items
        wanted = [item for item in items if hole.low < number_of(item, "id") < hole.high]
        wanted = [item for item in wanted if not item.get("is_pinned")][: hole.left]
        lowest = min([hole.high, *_numbers(items)])
        left = hole.left - len(wanted)
        rest = Hole(low=hole.low, high=lowest, offset=page.following, left=left)
        wall.hole = None if lowest <= hole.low + 1 or left <= 0 else rest
        return [*page.answer.odd, *self._taken(wanted, page.answer)]

    def _taken(self, items: Sequence[Item], answer: Answer) -> list[Collected]:
        """Posts, the oldest first; from now on they are watched. What a search has found came already."""
        fresh = [item for item in items if not self._watch.knows(item)]
        for item in items:
            self._watch.note(item, tree=self._desk.options.comments)
        ordered = sorted(fresh, key=lambda item: number_of(item, "id"))
        return [post_of(item, answer.people, self._desk.moment) for item in ordered]


def call_of(owner: int, count: int, offset: int = 0) -> Call:
    """The request for a part of a wall."""
    params = {
        "owner_id": owner,
        "count": count,
        "offset": offset or None,
        "filter": "all",
        "extended": 1,
        "fields": NAMES,
    }
    return Call("wall.get", params, f"the wall {owner}")


def _numbers(items: Sequence[Item]) -> list[int]:
    return [number_of(item, "id") for item in items if not item.get("is_pinned")]


def _date(item: Item) -> int:
    return number_of(item, "date")
