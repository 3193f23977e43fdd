"""Posts and comments that name an own account, as VK itself has noted them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

from agents.base import BadConfiguration, Collected
from agents.vk.api import NAMES, Call
from agents.vk.desk import Answer, Desk, pages
from agents.vk.failures import Restricted
from agents.vk.posts import Item
from agents.vk.searches import OVERLAP, Searches

SIZE: Final = 50
SLOWER: Final = 5
"""Mentions are asked for so many times less often than walls."""
REFUSED: Final = timedelta(hours=6)


class Mentions:
    """The mentions of some accounts; ``searches`` knows which posts were found already."""

    def __init__(self, desk: Desk, accounts: Sequence[int], searches: Searches) -> None:
        self._desk = desk
        self._searches = searches
        self.due_of = dict.fromkeys(accounts, float(desk.now))
        self.interval = SLOWER * desk.options.every.total_seconds()

    @property
    def due(self) -> float:
        """When the next account is due, Unix seconds; infinite where there is none."""
        return min(self.due_of.values(), default=float("inf"))

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Read the mentions of the account that is due, since it was read last."""
        account, end = min(self.due_of, key=lambda each: self.due_of[each]), self._desk.now
        self.due_of[account] = end + self.interval
        first = end - int(self._desk.options.search_from.total_seconds())
        done = self._desk.cursor.mentions.get(account, first)
        newest: list[Item] = []

        async def ask(offset: int) -> Answer:
            params = {
                "owner_id": account,
                "start_time": done - int(OVERLAP.total_seconds()),
                "end_time": end,
                "count": SIZE,
                "offset": offset,
                "extended": 1,
                "fields": NAMES,
            }
            call = Call("newsfeed.getMentions", params, f"the mentions of {account}")
            return self._desk.read(await self._desk.api.call(call))

        def continues(items: list[Item]) -> bool:
            return any(each in newest for each in items)

        try:
            async for page in pages(ask, SIZE, continues):
                newest = page.answer.items
                yield self._searches.taken(page.answer)
        except (Restricted, BadConfiguration) as error:  # the rest of the agent needs fewer rights
            self._desk.complain(error)
            self.due_of[account] = end + REFUSED.total_seconds()
            return
        self._desk.cursor.mentions[account] = end
        yield []
