"""The ``bluesky`` agent: the stream from its cursor on; what the stream has forgotten, by searches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

from agents.base import BadConfiguration, Collected, Progress, SourceUnavailable
from agents.bluesky.accounts import looked_up
from agents.bluesky.appview import AppView
from agents.bluesky.collecting import Collector
from agents.bluesky.conversations import Conversations
from agents.bluesky.cursor import Cursor, Past, microseconds
from agents.bluesky.jetstream import Jetstream
from agents.bluesky.options import Options, own_accounts
from agents.bluesky.past import Reader, questions
from agents.bluesky.profiles import Profiles
from agents.bluesky.run import Run
from agents.surroundings import Surroundings
from schemas.base import LIVE


class BlueskySource:
    """What the watchlist names, and accounts."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = around.grace
        self._options = options
        self._around = around
        self._actors = tuple(dict.fromkeys((*options.accounts, *own_accounts(around.watchlist))))
        if not self._actors and (options.only_accounts or not around.watchlist):
            raise BadConfiguration(
                f"{self.name} has nothing to look for: set a watchlist, or name `accounts`"
            )

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        known = Cursor.read(cursor)
        while True:
            run = await self._run(known)
            async with aclosing(run.items()) as items:  # type: ignore[type-var]
                async for item in items:
                    yield item
            known = run.cursor

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: accounts, then searches, each from its newest post back.

        Raises:
            BadConfiguration: searches need a login.
        """
        known = Cursor.read(cursor)
        run = await self._run(known)
        if not run.accounts.complete:
            raise SourceUnavailable("the accounts cannot be looked up")
        gaps = known.gaps or (Past(since=microseconds(since), until=microseconds(until)),)
        async for items, past in run.reader.read(gaps[0]):
            for item in items:
                yield item
                for answer in await run.under(item):
                    yield answer
            state = Cursor(gaps=(past,), recent=run.collector.recent, accounts=run.accounts.dids)
            yield Progress(state.written(), caught_up=False)
        if run.reader.denied is not None:
            raise BadConfiguration(str(run.reader.denied))

    async def _run(self, known: Cursor) -> Run:
        around, options = self._around, self._options
        appview = AppView(around.web, options)
        profiles = Profiles(appview, around)
        alone = options.only_accounts or not around.watchlist
        accounts = await looked_up(self._actors, known.accounts, profiles, around, alone=alone)
        dids = tuple(dict.fromkeys(accounts.dids.values()))
        collector = Collector(options, around, profiles, dids, known.recent)
        named = None if options.only_accounts else around.watchlist
        reader = Reader(appview, profiles, collector, around, questions(dids, named))
        conversations = Conversations(appview, profiles, collector, around, dids, known.watched)
        jetstream = Jetstream(options.jetstream, around, dids if alone else ())
        return Run(around, known, accounts, collector, reader, conversations, jetstream)
