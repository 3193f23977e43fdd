"""One reading of the stream from a cursor on; gaps and answers are read beside it, once it has caught up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from agents.base import Collected, Found, Progress
from agents.bluesky.accounts import Accounts
from agents.bluesky.collecting import Collector
from agents.bluesky.conversations import Conversations
from agents.bluesky.cursor import Cursor, microseconds
from agents.bluesky.gaps import Gaps
from agents.bluesky.jetstream import Batch, Jetstream, microseconds_of
from agents.bluesky.past import Reader
from agents.bluesky.records import did_of
from agents.surroundings import Surroundings

WINDOW: Final = timedelta(hours=23)
"""Jetstream keeps about a day."""
HOLE: Final = timedelta(minutes=1)
"""The stream of all posts has no pause of this length, so the server has forgotten what was between."""
PRESENT: Final = timedelta(minutes=1)
QUIET: Final = timedelta(hours=1)
"""After so long without any event of a few accounts, all that the server remembers has been told."""
SAVE: Final = timedelta(seconds=5)
LOOK_AGAIN: Final = timedelta(minutes=10)
"""When accounts are looked up again that could not be."""


class Run:
    """``cursor`` is how far it has come; ``accounts`` are collected whole."""

    def __init__(
        self,
        around: Surroundings,
        known: Cursor,
        accounts: Accounts,
        collector: Collector,
        reader: Reader,
        conversations: Conversations,
        jetstream: Jetstream,
    ) -> None:
        self.accounts = accounts
        self.collector = collector
        self.reader = reader
        self._around = around
        self._jetstream = jetstream
        self._conversations = conversations
        self._gaps = Gaps(reader, around, known.gaps)
        self._saved_at = self._heard_at = 0
        now = microseconds(around.clock())
        self._jetstream.position = now if known.time_us is None else known.time_us
        self._began = around.clock()

    @property
    def cursor(self) -> Cursor:
        return Cursor(
            time_us=self._jetstream.position,
            recent=self.collector.recent,
            gaps=tuple(self._gaps.pending),
            accounts=self.accounts.dids,
            watched=self._conversations.copy(),
        )

    async def items(self) -> AsyncIterator[Collected]:
        """The stream, and what is read beside it; ends where accounts are to be looked up again.

        Raises:
            SourceUnavailable: no server of the stream answers.
        """
        reached = microseconds(self._around.clock() - WINDOW)
        if self._jetstream.position < reached:
            self._gaps.lost(self._jetstream.position, reached)
            self._jetstream.position = reached
        yield Progress(self.cursor.written(), caught_up=False)
        async with (
            aclosing(self._gaps),
            aclosing(self._jetstream.batches(self._jetstream.position)) as batches,
        ):
            async for batch in batches:
                async for item in self._streamed(batch):
                    yield item
                if not batch.texts or self._is_present(idle=False):
                    async for item in self._beside(idle=not batch.texts):
                        yield item
                if not self.accounts.complete and self._around.clock() - self._began >= LOOK_AGAIN:
                    return

    async def under(self, item: Collected) -> list[Collected]:
        """The answers to a post of an account that is collected whole, where the AppView counts any."""
        if not isinstance(item, Found) or not item.post.engagement.comments:
            return []
        own = did_of(item.post.native_id) in self.accounts.dids.values()
        return await self._conversations.under(item.post.native_id) if own else []

    async def _streamed(self, batch: Batch) -> AsyncIterator[Collected]:
        selected = await self.collector.events(batch.texts)
        if self._is_hole(batch, selected.oldest):
            self._gaps.lost(self._jetstream.position, selected.oldest)
            self._jetstream.position = selected.oldest
        if not batch.texts and not self._jetstream.wanted:
            return  # the stream of all posts is never silent: it is not open yet, or stuck
        items = await self.collector.items(selected.events)
        for item in items:
            yield item
        self._conversations.note(items)
        self._move(selected.newest, bool(batch.texts))
        yield self._progress(items, idle=not batch.texts)

    async def _beside(self, *, idle: bool) -> AsyncIterator[Collected]:
        """Some pages of a gap, some answers."""
        for steps in (self._gaps.steps(), self._conversations.steps()):
            async for items in steps:
                for item in items:
                    yield item
                self._conversations.note(items)
                yield Progress(self.cursor.written(), caught_up=self._is_caught_up(idle=idle))

    def _is_hole(self, batch: Batch, oldest: int) -> bool:
        if not batch.first or self._jetstream.wanted or not oldest:
            return False
        return oldest - self._jetstream.position > microseconds_of(HOLE)

    def _move(self, newest: int, heard: bool) -> None:
        """Time passes by events; where a few accounts are silent for long, by the clock as well."""
        now, stream = microseconds(self._around.clock()), self._jetstream
        if heard:
            newest = min(newest, now + microseconds_of(HOLE))
            self._heard_at = now
        elif stream.wanted and now - max(self._heard_at, stream.begun) > microseconds_of(QUIET):
            newest = now - microseconds_of(QUIET)
        stream.position = max(stream.position, newest)

    def _is_present(self, *, idle: bool) -> bool:
        late = microseconds(self._around.clock()) - self._jetstream.position
        return late <= microseconds_of(PRESENT) or (idle and bool(self._jetstream.wanted))

    def _is_caught_up(self, *, idle: bool) -> bool:
        """At the present, with no gap that is being filled: its posts are promised to come yet."""
        return self._is_present(idle=idle) and not self._gaps.filling

    def _progress(self, items: list[Collected], *, idle: bool) -> Progress:
        position, caught_up = self._jetstream.position, self._is_caught_up(idle=idle)
        due = items or idle or abs(position - self._saved_at) >= microseconds_of(SAVE)
        if not due or (idle and position == self._saved_at):
            return Progress(caught_up=caught_up)
        self._saved_at = position
        return Progress(self.cursor.written(), caught_up=caught_up)
