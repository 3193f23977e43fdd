"""The source of a ``youtube`` agent: its channels, searches and videos, within one quota."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from agents.base import BadConfiguration, Collected
from agents.discussions.rounds import Rounds, Task
from agents.listing import own_accounts
from agents.named_texts import NamedTexts
from agents.pace import Pace
from agents.seen import Seen
from agents.surroundings import Surroundings
from agents.youtube.api import Api
from agents.youtube.cursor import MAX_SEEN, Cursor
from agents.youtube.options import SOURCE, Options, channel_name
from agents.youtube.quota import Quota
from agents.youtube.searches import Searching
from agents.youtube.tasks import Again, Desk, Uploads
from schemas.base import LIVE

MINUTE: Final = timedelta(minutes=1)
SLOWER: Final = 6
SEARCHES: Final = timedelta(minutes=5)


class YouTubeSource:
    """See `agents.base.Source`."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace + min(options.every, timedelta(minutes=10))
        self._options = options
        self._around = around
        self._own = own_accounts(around.watchlist, SOURCE, channel_name)
        aliases = (alias.text for each in around.watchlist or () for alias in each.aliases)
        found = {words.lower(): words for words in (*options.queries, *(aliases if options.search else ()))}
        self._queries = tuple(found)
        self._whole = tuple(words.lower() for words in options.queries)
        if not (self._own or options.channels or self._queries):
            raise BadConfiguration(
                f"{around.agent} has nothing to collect: give it `channels` or `queries`, or a watchlist"
            )
        filtered = around.watchlist if len(self._queries) > len(self._whole) else None
        self._named = NamedTexts(filtered) if filtered is not None else None

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        options, around, state = self._options, self._around, Cursor.read(cursor)
        seen = Seen.unpacked(state.seen, MAX_SEEN)
        quota = Quota(state.spent, options.daily_units, options.search_share, around.clock)
        names = {name: name in self._own for name in (*self._own, *options.channels)}
        state.channels = {name: each for name, each in state.channels.items() if name in names}
        state.searches = {words: at for words, at in state.searches.items() if words in self._queries}
        desk = Desk(Api(options, around.web, quota), state, seen, around, set())
        tasks: list[Task] = [
            Uploads(name, desk, self._pace(options.every, SLOWER), own=own, history=options.history)
            for name, own in names.items()
        ]
        span = int(options.comments_for.total_seconds())
        tasks.append(Again(desk, self._pace(MINUTE, 1), span=span, comments=options.comments))
        if self._queries:
            tasks.append(Searching(desk, self._pace(SEARCHES, 1), self._queries, self._whole, self._named))

        def saved() -> str:
            state.seen = seen.packed()
            return state.written()

        async with aclosing(Rounds(tasks, around, saved).items()) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    def _pace(self, fastest: timedelta, slower: int) -> Pace:
        return Pace(self._around.clock, self._around.jitter, fastest=fastest, slowest=fastest * slower)
