"""The ``rss`` agent: polls feeds and sitemaps, each at its interval, takes pushes, yields what is new."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

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
from agents.rss.feed_entries import Entry
from agents.rss.feed_reading import Reading
from agents.rss.feed_state import MAX_MAPS, MIN_SEEN, FeedState, RssCursor, absorbed
from agents.rss.feeds import Feed
from agents.rss.websub import Push, Subscriber
from agents.waiting import cancel
from agents.web import Forbidden, Web, shown
from pipeline.metrics import Metrics
from schemas.base import LIVE

__all__ = ["MIN_SEEN", "FeedState", "RssCursor", "RssSource"]

log = logging.getLogger("molva.agent.rss")

PARALLEL = 16
LONGEST_BACKOFF = timedelta(hours=6)
LONGEST_INTERVAL_IN_GRACE = timedelta(minutes=10)


class _Seen(NamedTuple):
    """The outcome of a poll or a push: the entries of its document, None where there is no new one."""

    feed: Feed
    entries: list[Entry] | None
    update: dict[str, Any]
    """Of the feed's state."""
    polled: bool = True
    whole: bool = True
    """Whether the document has all that the feed shows now."""


class RssSource:
    """Yields the new and edited entries of each feed, oldest first, and a cursor after each document.

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
        subscriber: Subscriber | None = None,
        cursor_bytes: int | None = None,
    ) -> None:
        """Prepare to poll ``feeds`` through ``web``, which somebody else closes.

        ``grace`` is how late an entry may appear in its feed; the wait between two polls is added to it.
        ``subscriber`` asks hubs to push. ``cursor_bytes`` is the most that the cursor may take, if that is
        limited.

        Raises:
            BadConfiguration: a feed wants whole articles, and what reads them is not installed.
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
        self.subscriber = subscriber
        self._slots = asyncio.Semaphore(PARALLEL)
        self._offsets: dict[str, dict[str, float]] = {}
        self._last_failure = ""
        self._reading = Reading(name, web, metrics, clock, self.feeds, cursor_bytes)

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """New entries, without end; a feed that fails is tried again later and holds nothing up.

        Raises:
            CursorCorrupt: the cursor is not one of this agent.
        """
        states = self._states(cursor)
        now = self._clock()
        behind = {url for url, state in states.items() if state.due is None or state.due <= now}
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._reading.close)
            if self.subscriber is not None:
                await stack.enter_async_context(self.subscriber.served())
            works = {asyncio.ensure_future(self._poll(feed, states)) for feed in self.feeds}
            if self.subscriber is not None:
                works.add(asyncio.ensure_future(self._push(self.subscriber, states)))
            try:
                while works:
                    done, works = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                    for work in done:
                        outcome = work.result()
                        url = str(outcome.feed.url)
                        states[url], fresh = self._absorbed(states[url], outcome)
                        for entry in fresh:
                            yield entry.item
                        if outcome.polled:
                            behind.discard(url)
                            works.add(asyncio.ensure_future(self._poll(outcome.feed, states)))
                        elif self.subscriber is not None:
                            works.add(asyncio.ensure_future(self._push(self.subscriber, states)))
                        changed = outcome.entries is not None
                        saved = RssCursor(feeds=states).model_dump_json() if changed else None
                        yield Progress(saved, caught_up=not behind, trouble=self._trouble(states))
            finally:
                await cancel(*works)

    def _states(self, cursor: str | None) -> dict[str, FeedState]:
        try:
            known = RssCursor() if cursor is None else RssCursor.model_validate_json(cursor)
        except ValidationError as error:
            raise CursorCorrupt(f"the cursor of the rss agent cannot be read: {error}") from error
        urls = {str(feed.url): self._reading.room(feed) for feed in self.feeds}
        return {url: known.of(url).within(room) for url, room in urls.items()}

    def _absorbed(self, state: FeedState, outcome: _Seen) -> tuple[FeedState, list[Entry]]:
        state = state.model_copy(update=outcome.update)
        if outcome.entries is None:
            return state, []
        room = self._reading.room(outcome.feed)
        return absorbed(state, outcome.entries, self._clock(), room=room, whole=outcome.whole)

    async def _push(self, subscriber: Subscriber, states: dict[str, FeedState]) -> _Seen:
        """Wait for the next document that a hub brings; one that cannot be read is left to the next poll."""
        push: Push = await subscriber.pushes.get()
        feed = next(each for each in self.feeds if str(each.url) == push.url)
        entries: list[Entry] | None = None
        try:
            entries = await self._reading.pushed(feed, push.body, push.content_type, states[push.url])
        except SourceUnavailable as error:
            self._failed(feed, error)
        return _Seen(feed, entries, {}, polled=False, whole=False)

    async def _poll(self, feed: Feed, states: dict[str, FeedState]) -> _Seen:
        """Wait until the feed is due, then ask for it once."""
        url = str(feed.url)
        state = states[url]
        if state.due is not None and (wait := (state.due - self._clock()).total_seconds()) > 0:
            await self._sleep(wait)
        try:
            async with self._slots:
                return await self._ask(feed, states)
        except (SourceUnavailable, Forbidden) as error:
            failures = state.failures + 1
            self._failed(feed, error, f"; attempt {failures} failed")
            backoff = min(feed.interval * 2 ** min(state.failures, 20), max(feed.interval, LONGEST_BACKOFF))
            asked = error.retry_after if isinstance(error, Refused) else None
            due = self._clock() + max(self._spread(backoff), asked or timedelta())
            return _Seen(feed, None, {"failures": failures, "due": due})

    async def _ask(self, feed: Feed, states: dict[str, FeedState]) -> _Seen:
        url, began = str(feed.url), self._clock()
        state = states[url]
        if self.subscriber is not None and not self.subscriber.looked(feed):
            state = state.model_copy(update={"etag": "", "modified": ""})
        look = await self._reading.look(feed, state, lambda: states[url])
        self._compare_clocks(feed, look.server_time)
        interval = feed.interval
        if self.subscriber is not None and feed.format == "feed":
            await self.subscriber.look(feed, look.headers, look.body)
            interval = self.subscriber.interval(feed)
        update: dict[str, Any] = {"failures": 0, "due": began + self._spread(interval)}
        if look.entries is not None:
            update |= {"etag": look.validators.etag, "modified": look.validators.modified}
        if look.maps is not None:
            former = [key for key in state.maps if key not in look.maps]
            update["maps"] = (*former, *look.maps)[-MAX_MAPS:]
        return _Seen(feed, look.entries, update, whole=look.maps is None)

    def _trouble(self, states: dict[str, FeedState]) -> str:
        """Why nothing is found, where no feed can be read."""
        if not all(state.failures for state in states.values()):
            return ""
        return f"none of {len(states)} feeds can be read; the last: {self._last_failure}"

    def _failed(self, feed: Feed, error: Exception, more: str = "") -> None:
        self._last_failure = str(error)
        self._metrics.agent_errors.labels(self.name, type(error).__name__).inc()
        log.warning("%s: %s%s", shown(str(feed.url)), error, more)

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
