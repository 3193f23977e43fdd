"""Searches for the watchlist's aliases, in windows of time that hold fewer posts than VK gives at most."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

from agents.base import Collected
from agents.vk.api import NAMES, Call
from agents.vk.cursor import Search
from agents.vk.desk import Answer, Desk
from agents.vk.failures import Broken, Troubled
from agents.vk.posts import Item, edited_of, number_of, owner_of, post_of
from agents.vk.walls import DAY, RESERVE
from agents.vk.watch import Watch

MOST: Final = 1000
"""Results of one query that VK gives, whatever it has."""
SIZE: Final = 200
MAX_PAGES: Final = 100
OVERLAP: Final = timedelta(minutes=15)
"""What was read already is read again so far back: VK finds some posts minutes after they were written."""
DEEP: Final = timedelta(hours=6)
DEEP_EVERY: Final = timedelta(hours=1)
"""Every hour so far back: some come later."""


class Overflow(Troubled):
    """A second of time in which more posts were written than VK tells."""


class Searches:
    """The queries of an agent."""

    def __init__(self, desk: Desk, queries: Sequence[str], watch: Watch | None) -> None:
        """``watch`` None: what is found is not read again."""
        self._desk = desk
        self._watch = watch
        self.due_of = dict.fromkeys(queries, float(desk.now))
        budget = desk.options.daily_searches * max(1, desk.api.tokens.count("newsfeed.search"))
        self.interval = max(desk.options.every.total_seconds(), RESERVE * DAY * len(queries) / budget)
        """Seconds between two searches for a query."""

    @property
    def due(self) -> float:
        """When the next query is due, Unix seconds; infinite where there is none."""
        return min(self.due_of.values(), default=float("inf"))

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Search for the query that is due."""
        query = min(self.due_of, key=lambda each: self.due_of[each])
        self.due_of[query] = self._desk.now + self.interval
        state, end = self._desk.cursor.searches.setdefault(query, Search()), self._desk.now
        if not state.done:
            state.done = end - int(self._desk.options.search_from.total_seconds())
            state.deep = end
        deep = end - state.deep >= DEEP_EVERY.total_seconds()
        start = state.done - int((DEEP if deep else OVERLAP).total_seconds())
        async for items in self.between(query, state, start, end):
            yield items
        if deep:
            state.deep = end
            yield []

    async def between(
        self, query: str, state: Search, start: int, end: int
    ) -> AsyncIterator[list[Collected]]:
        """Everything from ``start`` to ``end`` (Unix seconds), window by window; moves ``state``."""
        low = start
        while low < end:
            high = min(end, low + (state.span or end - low))
            answer = await self._ask(query, low, high)
            if answer.total > MOST and high - low > 1:
                state.span = (high - low) // 2
                continue
            if answer.total > MOST:
                about = f"{answer.total} posts with {query!r} in a second; VK gives {MOST} of them"
                self._desk.complain(Overflow(about, 0))
            async for items in self._pages(query, low, high, answer):
                yield items
            state.done = max(state.done, high)
            if answer.total < MOST // 3:
                state.span = state.span * 2 if state.span * 2 < DAY else 0
            low = high
            yield []

    async def _pages(self, query: str, low: int, high: int, first: Answer) -> AsyncIterator[list[Collected]]:
        """All pages of a window; from its first one on again where VK forgets the place in it."""
        answer, passed, again = first, {""}, False
        for _ in range(MAX_PAGES):
            yield self.taken(answer)
            if not answer.items or answer.next_from in passed:
                return
            passed.add(answer.next_from)
            try:
                answer = await self._ask(query, low, high, answer.next_from)
            except Broken as error:
                if again:
                    raise
                self._desk.complain(error)
                answer, passed, again = await self._ask(query, low, high), {""}, True

    async def _ask(self, query: str, low: int, high: int, start_from: str | None = None) -> Answer:
        params = {
            "q": query,
            "start_time": low,
            "end_time": high,
            "start_from": start_from,
            "count": SIZE,
            "extended": 1,
            "fields": NAMES,
        }
        about = f"the search for {query!r}"
        return self._desk.read(await self._desk.api.call(Call("newsfeed.search", params, about)))

    def taken(self, answer: Answer) -> list[Collected]:
        """What is new among the results, the oldest first."""
        fresh = [item for item in answer.items if self._is_new(item)]
        for item in fresh:
            if self._watch is not None and item.get("post_type") != "reply":
                self._watch.note(item, tree=False)
        ordered = sorted(fresh, key=lambda item: number_of(item, "date"))
        return [*answer.odd, *(post_of(item, answer.people, self._desk.moment) for item in ordered)]

    def _is_new(self, item: Item) -> bool:
        known = self._watch is not None and self._watch.knows(item)
        return self._desk.seen.add(owner_of(item), number_of(item, "id"), edited_of(item)) and not known


def queries_of(aliases: Sequence[str]) -> tuple[str, ...]:
    """What to search for: each alias once, however it is written."""
    found: dict[str, str] = {}
    for alias in aliases:
        found.setdefault(" ".join(alias.casefold().split()), " ".join(alias.split()))
    return tuple(found.values())
