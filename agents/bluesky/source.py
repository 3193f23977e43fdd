"""The ``bluesky`` agent: the stream from its cursor on; what the stream has forgotten, by searches."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

from agents.base import BadConfiguration, Collected, Progress, SourceUnavailable
from agents.bluesky.appview import BATCH, AppView
from agents.bluesky.collecting import Collector
from agents.bluesky.cursor import Cursor, Past, microseconds
from agents.bluesky.jetstream import Batch, Jetstream, microseconds_of
from agents.bluesky.options import Options, own_accounts
from agents.bluesky.past import Reader, questions
from agents.bluesky.profiles import Profiles
from agents.surroundings import Surroundings
from schemas.base import LIVE

WINDOW: Final = timedelta(hours=23)
"""Jetstream keeps about a day."""
HOLE: Final = timedelta(minutes=1)
"""The stream of all posts has no pause of this length, so the server has forgotten what was between."""
PRESENT: Final = timedelta(minutes=1)
QUIET: Final = timedelta(hours=1)
"""After so long without any event of a few accounts, all that the server remembers has been told."""
TRIALS: Final = 5
PAUSE: Final = timedelta(minutes=1)
SAVE: Final = timedelta(seconds=5)

log = logging.getLogger("molva.agent.bluesky")


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
        run = await self._run(Cursor.read(cursor))
        position = run.known.time_us
        while True:
            now = microseconds(self._around.clock())
            position = now if position is None and run.past is None else position
            if run.past is None and position is not None and now - position > microseconds_of(WINDOW):
                run.lost(position, now)
            if run.past is not None:
                async for item in self._filled(run):
                    yield item
                position, run.past = run.past.until, None
                continue
            assert position is not None
            async with aclosing(run.stream(position)) as items:  # type: ignore[type-var]
                async for item in items:
                    yield item
            position = run.jetstream.position

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: accounts, then searches, each from its newest post back.

        Raises:
            BadConfiguration: searches need a login.
        """
        run = await self._run(Cursor.read(cursor))
        run.past = run.past or Past(since=microseconds(since), until=microseconds(until))
        async for item in run.fill():
            yield item
        if run.reader.denied is not None:
            raise BadConfiguration(str(run.reader.denied))

    async def _filled(self, run: _Run) -> AsyncIterator[Collected]:
        """A gap, as far as it can be filled; the stream must not wait for ever for the AppView."""
        for attempt in range(TRIALS):
            try:
                async for item in run.fill():
                    yield item
                return
            except SourceUnavailable as error:
                self._around.metrics.agent_errors.labels(self.name, type(error).__name__).inc()
                log.warning("%s: the gap is not filled yet: %s", self.name, error)
                await self._around.sleep((PAUSE * 2**attempt).total_seconds())
        log.error("%s: the rest of the gap is given up: see `molva agents backfill`", self.name)

    async def _run(self, known: Cursor) -> _Run:
        appview = AppView(self._around.web, self._options)
        profiles = Profiles(appview, self._around)
        dids = await self._dids(profiles)
        collector = Collector(self._options, self._around, profiles, dids, known.recent)
        named = None if self._options.only_accounts else self._around.watchlist
        reader = Reader(appview, profiles, collector, self._around, questions(dids, named))
        wanted = dids if self._options.only_accounts or not named else ()
        return _Run(
            self._around, known, collector, reader, Jetstream(self._options.jetstream, self._around, wanted)
        )

    async def _dids(self, profiles: Profiles) -> tuple[str, ...]:
        """The DIDs of the accounts; one that is not known is told, and left out until the next start.

        Raises:
            BadConfiguration: none of them exists, and nothing else is collected.
        """
        found: dict[str, None] = {}
        for begin in range(0, len(self._actors), BATCH):
            asked = list(self._actors[begin : begin + BATCH])
            known = await profiles.ask(asked)
            found |= dict.fromkeys(each.did for each in known)
            names = {each.did for each in known} | {each.handle.lower() for each in known}
            for actor in (each for each in asked if each not in names):
                self._around.metrics.agent_errors.labels(self.name, "UnknownAccount").inc()
                log.warning("%s: Bluesky knows no account %s", self.name, actor)
        if not found and self._actors and (self._options.only_accounts or not self._around.watchlist):
            raise BadConfiguration(f"Bluesky knows none of the accounts {', '.join(self._actors[:5])}")
        return tuple(found)


class _Run:
    """One reading from a cursor on: ``past`` is a period that is to be read before the stream."""

    def __init__(
        self, around: Surroundings, known: Cursor, collector: Collector, reader: Reader, jetstream: Jetstream
    ) -> None:
        self.known = known
        self.past = known.past
        self.reader = reader
        self.jetstream = jetstream
        self._around = around
        self._collector = collector
        self._saved_at = self._heard_at = 0

    def lost(self, since: int, until: int) -> None:
        """The stream has forgotten a period: it is told, and read by searches as far as they go."""
        hours = (until - since) / microseconds_of(timedelta(hours=1))
        self._around.metrics.agent_errors.labels(self._around.agent, "GapTooLong").inc()
        log.warning(
            "%s: %.1f hours are older than what Jetstream keeps; they are looked for by searches",
            self._around.agent,
            hours,
        )
        self.past = Past(since=since, until=until)

    async def fill(self) -> AsyncIterator[Collected]:
        """The posts of the period ``past``."""
        assert self.past is not None
        async for items, past in self.reader.read(self.past):
            for item in items:
                yield item
            self.past = past
            yield Progress(self._cursor(self.known.time_us, past), caught_up=False)

    async def stream(self, position: int) -> AsyncIterator[Collected]:
        """The stream from a moment on; ends where the server has forgotten some of it: see `past`."""
        yield Progress(self._cursor(position, None), caught_up=False)
        async with aclosing(self.jetstream.batches(position)) as batches:
            async for batch in batches:
                selected = await self._collector.events(batch.texts)
                if self._is_hole(batch, selected.oldest):
                    self.lost(self.jetstream.position, microseconds(self._around.clock()))
                    return
                if not batch.texts and not self.jetstream.wanted:
                    continue  # the stream of all posts is never silent: it is not open yet, or stuck
                items = await self._collector.items(selected.events)
                for item in items:
                    yield item
                self._move(selected.newest, bool(batch.texts))
                yield self._progress(items, idle=not batch.texts)

    def _is_hole(self, batch: Batch, oldest: int) -> bool:
        if not batch.first or self.jetstream.wanted or not oldest:
            return False
        return oldest - self.jetstream.position > microseconds_of(HOLE)

    def _move(self, newest: int, heard: bool) -> None:
        """Time passes by events; where a few accounts are silent for long, by the clock as well."""
        now = microseconds(self._around.clock())
        if heard:
            newest = min(newest, now + microseconds_of(HOLE))
            self._heard_at = now
        elif self.jetstream.wanted and now - max(self._heard_at, self.jetstream.begun) > microseconds_of(
            QUIET
        ):
            newest = now - microseconds_of(QUIET)
        self.jetstream.position = max(self.jetstream.position, newest)

    def _progress(self, items: list[Collected], *, idle: bool) -> Progress:
        position, now = self.jetstream.position, microseconds(self._around.clock())
        present = now - position <= microseconds_of(PRESENT) or (idle and bool(self.jetstream.wanted))
        due = items or idle or abs(position - self._saved_at) >= microseconds_of(SAVE)
        if not due or (idle and position == self._saved_at):
            return Progress(caught_up=present)
        self._saved_at = position
        return Progress(self._cursor(position, None), caught_up=present)

    def _cursor(self, position: int | None, past: Past | None) -> str:
        return Cursor(time_us=position, recent=self._collector.recent, past=past).written()
