"""The ``vk`` agent: walls, searches, mentions, and posts that are read again, each when it is due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from math import isfinite
from typing import Final, NamedTuple, Protocol

from agents.base import BadConfiguration, Collected, Progress, Refused, SourceUnavailable
from agents.pace import trouble_of
from agents.surroundings import Surroundings
from agents.vk.api import Api
from agents.vk.cursor import Cursor
from agents.vk.desk import Desk, Own
from agents.vk.mentions import Mentions
from agents.vk.names import own_places
from agents.vk.options import Options
from agents.vk.past import QUERY, WALL, Past
from agents.vk.places import resolved
from agents.vk.searches import Searches, queries_of
from agents.vk.walls import Walls
from agents.vk.watch import Watch
from schemas.base import LIVE

MOST_INTERVAL_IN_GRACE: Final = timedelta(minutes=10)
AGAIN: Final = timedelta(minutes=1)
LATEST_AGAIN: Final = timedelta(minutes=30)
IDLE: Final = timedelta(minutes=1)


class Work(Protocol):
    """A part of what the agent does."""

    @property
    def due(self) -> float:
        """When it has something to do, Unix seconds."""
        ...

    def steps(self) -> AsyncIterator[list[Collected]]:
        """Do it; after each step the cursor may be saved."""
        ...


class Turn:
    """A part of the work, and when it may be tried again after a failure."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._not_before = 0.0
        self._failures = 0
        self.trouble: SourceUnavailable | None = None

    @property
    def due(self) -> float:
        return max(self.work.due, self._not_before)

    def went_well(self) -> None:
        self._failures, self.trouble = 0, None

    def failed(self, now: float, error: SourceUnavailable) -> None:
        """Try again later, and later each time; not before the moment that VK names."""
        asked = error.retry_after if isinstance(error, Refused) else None
        wait = min(AGAIN * 2**self._failures, LATEST_AGAIN)
        self._failures, self.trouble = min(self._failures + 1, 8), error
        self._not_before = now + max(wait, asked or timedelta()).total_seconds()


class Parts(NamedTuple):
    """What a run of the agent consists of."""

    desk: Desk
    searches: Searches
    walls: Walls
    watch: Watch
    accounts: tuple[int, ...]


class VkSource:
    """What the options and the watchlist name."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace + min(options.every, MOST_INTERVAL_IN_GRACE)
        self._options = options
        self._around = around
        self._own_names = own_places(around.watchlist)
        aliases = [alias.text for each in around.watchlist or () for alias in each.aliases]
        self._queries = queries_of([*(aliases if options.search else ()), *options.queries])
        if not (self._queries or self._own_names or options.communities):
            raise BadConfiguration(
                f"{self.name} has nothing to read: give it `communities` or `queries`, or a watchlist"
            )

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        known = Cursor.read(cursor)
        known.searches = {query: each for query, each in known.searches.items() if query in self._queries}
        parts = await self._parts(known)
        turns = [Turn(work) for work in self._works(parts)]
        saved, began = "", self._around.clock().timestamp()
        while True:
            turn = min(turns, key=lambda each: each.due)
            if (wait := turn.due - self._around.clock().timestamp()) > 0:
                await self._around.sleep(min(wait, IDLE.total_seconds()))
                continue
            try:
                async for items in turn.work.steps():
                    for item in items:
                        yield item
                    now = parts.desk.saved()
                    yield Progress(None if now == saved else now, caught_up=False)
                    saved = now
                turn.went_well()
            except SourceUnavailable as error:
                turn.failed(self._around.clock().timestamp(), error)
                parts.desk.complain(error)
            dues = {each: each.due for each in turns}
            trouble = trouble_of(each.trouble for each, due in dues.items() if isfinite(due))
            yield Progress(None, caught_up=min(dues.values()) > began, trouble=trouble)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: queries by windows of time, walls from the end of the period down."""
        known = Cursor.read(cursor)
        desk, searches, walls, _, _ = await self._parts(known, past=True)
        if cursor is None:
            queries = (f"{QUERY}{query}" for query in self._queries)
            known.queue = (*queries, *(f"{WALL}{owner}" for owner in walls.due_of))
        async for items in Past(desk, searches, since, until).steps():
            for item in items:
                yield item
            yield Progress(desk.saved())

    async def _parts(self, cursor: Cursor, *, past: bool = False) -> Parts:
        """Everything from a cursor on, with the owner ids that names stand for now."""
        own = Own(self._own_names)
        desk = Desk(self._options, self._around, Api(self._options, self._around), cursor, own)
        numbers = await resolved(desk.api, [*self._own_names, *self._options.communities])
        accounts = tuple(dict.fromkeys(numbers[name] for name in self._own_names if name in numbers))
        own.numbers.update(accounts)
        owners = tuple(dict.fromkeys((*accounts, *numbers.values())))
        if not owners and not self._queries:
            raise BadConfiguration(f"{self.name}: VK knows none of the walls that it is to read")
        watch = Watch(desk)
        searches = Searches(desk, self._queries, None if past else watch)
        return Parts(desk, searches, Walls(desk, owners, watch), watch, accounts)

    def _works(self, parts: Parts) -> list[Work]:
        desk, searches, walls, watch, accounts = parts
        works: list[Work] = [walls, searches, watch]
        if self._options.mentions and desk.api.tokens.count("newsfeed.getMentions"):
            works.append(Mentions(desk, accounts, searches))
        return works
