"""The ``rss`` agent: polls many RSS and Atom feeds, each at its interval, and yields new entries."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.base import (
    DEFAULT_GRACE,
    Clock,
    Collected,
    CursorCorrupt,
    Progress,
    Refused,
    Sleep,
    SourceUnavailable,
)
from agents.feed_client import Unchanged, Validators, fetch
from agents.feed_entries import Entry, entries_of
from agents.feeds import Feed
from agents.waiting import cancel
from agents.web import Forbidden, Web, shown
from pipeline.metrics import Metrics
from schemas.base import LIVE, UtcDatetime

log = logging.getLogger(__name__)

PARALLEL = 16
MIN_SEEN = 200
LONGEST_BACKOFF = timedelta(hours=6)
LONGEST_INTERVAL_IN_GRACE = timedelta(minutes=10)


class FeedState(BaseModel):
    """What the agent remembers of a feed: part of its cursor."""

    model_config = ConfigDict(frozen=True)

    etag: str = ""
    modified: str = ""
    seen: tuple[str, ...] = ()
    """Keys of entries that were published, newest last; as many as the document has, at least 200."""
    failures: int = 0
    due: UtcDatetime | None = None


class RssCursor(BaseModel):
    """The agent's cursor: its feeds by URL."""

    version: Literal[1] = 1
    feeds: dict[str, FeedState] = {}


class _Polled(NamedTuple):
    """The outcome of one request; ``changed`` where there is something to remember over a restart."""

    state: FeedState
    entries: list[Entry]
    changed: bool


class RssSource:
    """Yields the new entries of each feed, oldest first, and a cursor after each document.

    The first round over all feeds is the catching up; live watermarks begin after it.
    """

    timeline = LIVE

    def __init__(
        self,
        feeds: Sequence[Feed],
        metrics: Metrics,
        *,
        clock: Clock,
        web: Web,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        grace: timedelta = DEFAULT_GRACE,
        name: str = "rss",
    ) -> None:
        """Prepare to poll ``feeds`` through ``web``, which somebody else closes.

        ``grace`` is how late an entry may appear in its feed; the wait between two polls is added to it.
        """
        self.name = name
        self.feeds = tuple(feeds)
        longest = max((feed.interval for feed in feeds), default=timedelta())
        self.grace = grace + min(longest, LONGEST_INTERVAL_IN_GRACE)
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self.web = web
        self._slots = asyncio.Semaphore(PARALLEL)
        self._offsets: dict[str, dict[str, float]] = {}

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """New entries, without end; a feed that fails is tried again later and holds nothing up.

        Raises:
            CursorCorrupt: the cursor is not one of this agent.
        """
        states = self._states(cursor)
        now = self._clock()
        behind = {url for url, state in states.items() if state.due is None or state.due <= now}
        polls = {self._start(feed, states[str(feed.url)]): feed for feed in self.feeds}
        try:
            while polls:
                done, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
                for poll in done:
                    feed = polls.pop(poll)
                    polled = poll.result()
                    for entry in polled.entries:
                        yield entry.item
                    states[str(feed.url)] = polled.state
                    behind.discard(str(feed.url))
                    saved = RssCursor(feeds=states).model_dump_json() if polled.changed else None
                    yield Progress(saved, caught_up=not behind)
                    polls[self._start(feed, polled.state)] = feed
        finally:
            await cancel(*polls)

    def _states(self, cursor: str | None) -> dict[str, FeedState]:
        try:
            known = {} if cursor is None else RssCursor.model_validate_json(cursor).feeds
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of the rss agent cannot be read: {error}") from error
        return {str(feed.url): known.get(str(feed.url), FeedState()) for feed in self.feeds}

    def _start(self, feed: Feed, state: FeedState) -> asyncio.Future[_Polled]:
        return asyncio.ensure_future(self._poll(feed, state))

    async def _poll(self, feed: Feed, state: FeedState) -> _Polled:
        """Wait until the feed is due, then ask for it once."""
        if state.due is not None and (wait := (state.due - self._clock()).total_seconds()) > 0:
            await self._sleep(wait)
        try:
            async with self._slots:
                return await self._ask(feed, state)
        except (SourceUnavailable, Forbidden) as error:
            self._metrics.agent_errors.labels(self.name, type(error).__name__).inc()
            log.warning("%s: %s; attempt %d failed", shown(str(feed.url)), error, state.failures + 1)
            backoff = min(feed.interval * 2 ** min(state.failures, 20), max(feed.interval, LONGEST_BACKOFF))
            asked = error.retry_after if isinstance(error, Refused) else None
            due = self._clock() + max(self._spread(backoff), asked or timedelta())
            return _Polled(state.model_copy(update={"failures": state.failures + 1, "due": due}), [], False)

    async def _ask(self, feed: Feed, state: FeedState) -> _Polled:
        now = self._clock()
        rested = {"failures": 0, "due": now + self._spread(feed.interval)}
        answer = await fetch(self.web, str(feed.url), Validators(state.etag, state.modified))
        self._compare_clocks(feed, answer.server_time)
        if isinstance(answer, Unchanged):
            return _Polled(state.model_copy(update=rested), [], False)
        entries = await asyncio.to_thread(
            entries_of,
            answer.body,
            feed,
            collected_at=now,
            content_type=answer.content_type,
            location=answer.url,
        )
        current = {entry.key: entry for entry in entries}
        fresh = [entry for key, entry in current.items() if key not in set(state.seen)]
        kept = [key for key in state.seen if key not in current]
        seen = tuple([*kept, *current][-max(MIN_SEEN, len(current)) :])
        state = FeedState(
            etag=answer.validators.etag, modified=answer.validators.modified, seen=seen, due=rested["due"]
        )
        return _Polled(state, fresh, True)

    def _compare_clocks(self, feed: Feed, server_time: datetime | None) -> None:
        """Export how far the source's clock is ahead of ours: of its feeds, the one that errs most."""
        if server_time is None:
            return
        offsets = self._offsets.setdefault(feed.source, {})
        offsets[str(feed.url)] = (server_time - self._clock()).total_seconds()
        self._metrics.source_clock_offset.labels(self.name, feed.source).set(max(offsets.values(), key=abs))

    def _spread(self, interval: timedelta) -> timedelta:
        """The interval give or take 5 %, so that feeds of one server are not asked all at once."""
        return interval * (0.95 + 0.1 * self._jitter())
