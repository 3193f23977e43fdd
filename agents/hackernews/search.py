"""Queries to the search, by windows of time of which each fits into one answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

from agents.base import Collected
from agents.discussions.rounds import Task
from agents.hackernews.api import Api, Hits, Item, Query
from agents.hackernews.cursor import Search
from agents.pace import Pace
from agents.web import Unusable

OVERLAP: Final = 900
"""Seconds that are read again each time: the search learns of an item a little after it was written."""
DEEP_SPAN: Final = 86_400
DEEP_EVERY: Final = 21_600
"""Every six hours a whole day is read again, for what the search was very late to know."""
LARGEST: Final = 10 * 86_400
log = logging.getLogger("molva.agent.hackernews")


async def windows(api: Api, query: Query, since: int, until: int) -> AsyncIterator[tuple[list[Item], int]]:
    """All results from ``since`` to before ``until``: those of a window, oldest first, and the window's end.

    The search gives at most 1,000 results however they are paged, and pages shift under new items; so a
    window that does not fit into one page is halved. Raises what `Api.hits` does.
    """
    span = min(LARGEST, max(until - since, 1))
    while since < until:
        end = min(since + span, until)
        try:
            found = await api.hits(query, since, end)
        except Unusable:
            if end - since <= 1:
                raise
            span = (end - since) // 2  # perhaps the answer was too large
            continue
        if found.total > len(found.items) and end - since > 1:
            span = (end - since) // 2
            continue
        if found.total > len(found.items):
            found = await _crowded(api, query, since, found)
        yield sorted(found.items, key=lambda each: int(each["objectID"])), end
        since, span = end, min(span * 2, LARGEST)


async def _crowded(api: Api, query: Query, second: int, first: Hits) -> Hits:
    """A second that has more than a page: the second page is the last that the search gives."""
    rest = await api.hits(query, second, second + 1, page=1)
    whole = {each["objectID"]: each for each in (*first.items, *rest.items)}
    if first.total > len(whole):
        log.warning("%s: %d of %d results within a second", query.key, len(whole), first.total)
    return Hits([*whole.values()], first.total)


class Searching(Task):
    """One query; ``take`` makes items of a result."""

    def __init__(
        self,
        query: Query,
        api: Api,
        state: Search,
        pace: Pace,
        *,
        now: Callable[[], int],
        back: int,
        take: Callable[[Query, list[Item]], AsyncIterator[list[Collected]]],
    ) -> None:
        """``back``: seconds before the first search that it looks into."""
        super().__init__(query.key, pace)
        self._query = query
        self._api = api
        self._state = state
        self._now = now
        self._back = back
        self._take = take

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """See `Task.steps`."""
        now, state = self._now(), self._state
        deep = now - state.deep >= DEEP_EVERY
        back = DEEP_SPAN if deep else OVERLAP
        begin = min(state.done, now) - back if state.done else now - self._back
        async for hits, end in windows(self._api, self._query, begin, now + 1):
            async for items in self._take(self._query, hits):
                yield items
            state.done = max(state.done, min(end, now))
            yield []
        if deep:
            state.deep = now
