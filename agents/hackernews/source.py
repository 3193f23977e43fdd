"""The source of a ``hackernews`` agent: its queries, and the threads under what they find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

from agents.base import BadConfiguration, Collected, Progress, SourceUnavailable
from agents.discussions.failures import bear
from agents.discussions.posting import count_of
from agents.discussions.rounds import Rounds, Task
from agents.hackernews.api import Api, Item, Query, item_of_hit, root_of_hit
from agents.hackernews.cursor import Cursor, Search, Thread
from agents.hackernews.following import Changes, Following
from agents.hackernews.items import number_of, post_of, words_of
from agents.hackernews.options import SOURCE, Options, user_name
from agents.hackernews.search import Searching, windows
from agents.hackernews.threads import Desk
from agents.listing import own_accounts
from agents.named_texts import NamedTexts
from agents.pace import Pace
from agents.surroundings import Surroundings
from schemas.base import LIVE

SLOWER: Final = 6
"""A query without news is asked so much more seldom, at most."""
MINUTE: Final = timedelta(minutes=1)
LATE_INDEX: Final = timedelta(minutes=10)


class HackerNewsSource:
    """See `agents.base.Source`; one agent's queries and threads."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace + min(options.every, LATE_INDEX)
        self._options = options
        self._around = around
        self._api = Api(options, around.web)
        self._own = frozenset(own.lower() for own in own_accounts(around.watchlist, SOURCE, user_name))
        self._queries = self._asked()
        if not self._queries:
            raise BadConfiguration(
                f"{around.agent} has nothing to look for: give it `queries` or `users`, or a watchlist"
            )
        named = around.watchlist is not None and not all(query.whole for query in self._queries)
        self._named = NamedTexts(around.watchlist) if named and around.watchlist is not None else None

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        state, options, around = Cursor.read(cursor), self._options, self._around
        keys = [query.key for query in self._queries]
        state.searches = {key: state.searches.get(key, Search()) for key in keys}
        desk = Desk(self._api, state, around, self._own)
        taking = _Taking(desk, self._named, whole=options.threads)
        tasks: list[Task] = [
            Searching(
                query,
                self._api,
                state.searches[query.key],
                self._pace(options.every, options.every * SLOWER),
                now=lambda: desk.now,
                back=int(options.search_from.total_seconds()),
                take=taking.items,
            )
            for query in self._queries
        ]
        tasks.append(Following(desk, self._pace(MINUTE, MINUTE), int(options.threads_for.total_seconds())))
        tasks.append(Changes(desk, self._pace(MINUTE, MINUTE)))
        async with aclosing(Rounds(tasks, around, state.written).items()) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: query by query; threads only as far as the queries find them."""
        state = Cursor.read(cursor)
        begin, end = int(since.timestamp()), int(until.timestamp())
        for query in self._queries:
            search = state.searches.setdefault(query.key, Search(done=begin))
            async for hits, done in windows(self._api, query, search.done, end):
                for hit in hits:
                    item = item_of_hit(hit)
                    if _wanted(query, item, self._named):
                        yield post_of(item, root=root_of_hit(hit), own=self._own, now=self._around.clock())
                search.done = done
                yield Progress(state.written())

    def _asked(self) -> list[Query]:
        """All queries, each once."""
        options = self._options
        named = (*own_accounts(self._around.watchlist, SOURCE, user_name), *options.users)
        users = {name.lower(): name for name in named}
        found = [Query(f"user:{name}", tags=f"author_{name}") for name in users.values()]
        found += [Query(f"query:{words.lower()}", words) for words in options.queries]
        if options.search:
            aliases = (alias.text for each in self._around.watchlist or () for alias in each.aliases)
            found += [Query(f"alias:{words.lower()}", words, whole=False) for words in aliases]
        return list({query.key: query for query in found}.values())

    def _pace(self, fastest: timedelta, slowest: timedelta) -> Pace:
        return Pace(self._around.clock, self._around.jitter, fastest=fastest, slowest=slowest)


class _Taking:
    """Makes posts of results, as Firebase has them; ``whole``: the threads under stories are followed."""

    def __init__(self, desk: Desk, named: NamedTexts | None, *, whole: bool) -> None:
        self._desk = desk
        self._named = named
        self._whole = whole

    async def items(self, query: Query, hits: list[Item]) -> AsyncIterator[list[Collected]]:
        """The posts of results that are new."""
        desk = self._desk
        for hit in hits:
            found, root = item_of_hit(hit), root_of_hit(hit)
            number = number_of(found)
            if desk.cursor.knows(number) or not _wanted(query, found, self._named):
                continue
            home, date = root or number, count_of(found.get("time")) or desk.now
            thread = desk.cursor.threads.setdefault(home, Thread(date=date, due=desk.now))
            if home == number and self._whole and not thread.whole:
                thread.whole, thread.date, thread.due = True, date, desk.now
            try:
                yield await desk.version(await desk.api.item(number) or found, root, thread)
            except SourceUnavailable as error:
                bear(error, desk.around, f"the item {number}")
                yield await desk.version(found, root, thread)  # as the search has it


def _wanted(query: Query, item: Item, named: NamedTexts | None) -> bool:
    """Whether it names something watched, where that is what the query is for."""
    return query.whole or named is None or words_of(item) in named
