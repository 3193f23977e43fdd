"""One instance at work: hears of news by its streams, fills gaps by its pages, and hands on what it finds.

Streams tell of a post at once but forget what happened while nobody listened; pages forget nothing. So each
feed is read by pages when its stream opens, once more when it surely is open, and now and then after that;
pages tell no deletions, so the latest posts are then asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from agents.base import Collected, Refused, SourceUnavailable
from agents.mastodon.api import Api, Denied
from agents.mastodon.collecting import Collector
from agents.mastodon.conversations import Conversations
from agents.mastodon.cursor import InstanceState, id_at, is_snowflake, newest, stepped_back
from agents.mastodon.feeds import Feed
from agents.mastodon.options import Instance
from agents.mastodon.steps import Reading, Step, Steps
from agents.mastodon.stream import Event, events, streaming_base
from agents.mastodon.unheard import LATEST, SETTLED, Unheard
from agents.surroundings import Surroundings
from agents.waiting import cancel, either
from agents.web import Forbidden

RECHECK: Final = timedelta(minutes=15)
"""Between two readings by pages of what is streamed."""
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(minutes=5)
DENIED_PAUSE: Final = timedelta(hours=1)
BEFORE_ALL: Final = "0"
LONGEST_GAP: Final = timedelta(days=1)

log = logging.getLogger("molva.agent.mastodon")


class GapTooLong(SourceUnavailable):
    """Posts were missed; only a back-fill brings them."""


class InstanceReader:
    """Reads one instance from `run` to its cancellation; steps go to ``steps``."""

    def __init__(
        self,
        instance: Instance,
        feeds: list[Feed],
        state: InstanceState,
        around: Surroundings,
        collector: Collector,
        steps: Steps,
        *,
        poll: timedelta,
    ) -> None:
        self.api = Api(around.web, instance, around.clock)
        self.readings = {
            feed.key: Reading(feed, state.places.get(feed.key), around.clock()) for feed in feeds
        }
        self._around = around
        self._collector = collector
        self._conversations = Conversations(self.api, collector, around, state.watched)
        self._unheard = Unheard(
            self.api, collector, around, self._conversations, [feed for feed in feeds if feed.account]
        )
        self._steps = steps
        self._poll = poll
        self._streamed = [feed for feed in feeds if feed.channel is not None and instance.transport != "poll"]
        self._streaming = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Read without end; failures are told, and tried again later."""
        tasks = [asyncio.ensure_future(self._follow_pages())]
        if self._streamed:
            tasks.append(asyncio.ensure_future(self._follow_streams()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await cancel(*tasks)

    async def _follow_pages(self) -> None:
        while True:
            self._wake.clear()
            reading = min(self.readings.values(), key=lambda each: each.due)
            wait = (min(reading.due, self._unheard.due) - self._around.clock()).total_seconds()
            if wait > 0:
                await either(self._around.sleep(wait), self._wake.wait())
                continue
            if self._unheard.due < reading.due:
                items = await self._unheard.step()
                await self._steps.put(Step(self.api.instance.url, LATEST.key, items, pages=False))
                continue
            try:
                await self._read(reading)
            except (SourceUnavailable, Forbidden) as error:
                self._failed(reading, error)
            else:
                reading.failures, reading.trouble, reading.whole = 0, None, self._streaming
                if reading.place is None:  # there is nothing yet: whatever comes is news
                    await self._put(reading, [], BEFORE_ALL, pages=False)
                reading.due = self._around.clock() + self._interval(reading.feed) * self._spread()
            await self._put(reading, [])

    async def _read(self, reading: Reading) -> None:
        """All pages of a feed from its place on."""
        feed, last = reading.feed, self._within_reach(reading)
        if feed.key.startswith("search:"):
            search = await self.api.search(feed.params, last)
            if not search.whole:
                self._note(GapTooLong("it finds too much: the oldest of it is not collected"), feed.key)
            items = await self._collector.posts(self.api, feed, search.found)
            await self._put(reading, items, search.newest, pages=False)
            return
        path = await self._collector.statuses_path(self.api, feed) if feed.account else feed.path
        async with aclosing(self.api.pages(path, feed.params, last)) as pages:  # type: ignore[type-var]
            async for found, reached in pages:
                items = await self._collector.posts(self.api, feed, found)
                if feed.account:
                    self._conversations.note(feed, found)
                await self._put(reading, items, reached, pages=False)
        if feed.account:
            async for items in self._conversations.steps(feed):
                await self._put(reading, items, pages=False)

    def _within_reach(self, reading: Reading) -> str | None:
        """The place of a feed; of a public timeline not older than a day, which could be caught up with."""
        oldest = id_at(self._around.clock() - LONGEST_GAP)
        place = reading.place
        if place is None or not reading.feed.public or not is_snowflake(place) or int(place) >= int(oldest):
            return place
        lost = f"not read for longer than {LONGEST_GAP}: what came before that is not collected"
        self._note(GapTooLong(lost), reading.feed.key)
        return oldest

    async def _follow_streams(self) -> None:
        failures = 0
        while True:
            begun = self._around.clock()
            try:
                await self._stream()
            except (SourceUnavailable, Forbidden) as error:
                self._note(error)
                denied = isinstance(error, (Denied, Forbidden))
                asked = error.retry_after if isinstance(error, Refused) else None
                failures = 0 if self._around.clock() - begun > LONGEST_PAUSE else failures + 1
                pause = DENIED_PAUSE if denied else min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
                pause = max(pause * self._spread(), asked or timedelta())
            else:
                failures, pause = 0, FIRST_PAUSE * self._spread()
            self._streaming = False
            self._unheard.lost()
            for feed in self._streamed:
                self.readings[feed.key].whole = False
            self._ask_again(self._poll)
            await self._around.sleep(pause.total_seconds())

    async def _stream(self) -> None:
        """Open the streams and hand on their events until they end."""
        base = await streaming_base(self.api)
        self._streaming = True
        self._unheard.opened()
        self._ask_again()
        settling = asyncio.ensure_future(self._settle())
        stream = events(self._around.web, self.api, self._streamed, base=base)
        try:
            async with aclosing(stream) as heard:
                async for event in heard:
                    await self._hear(event)
        finally:
            await cancel(settling)

    async def _settle(self) -> None:
        await self._around.sleep(SETTLED.total_seconds())
        self._ask_again()

    def _ask_again(self, wait: timedelta = timedelta()) -> None:
        """Read the pages of what is streamed after ``wait`` at the latest."""
        for feed in self._streamed:
            reading = self.readings[feed.key]
            if not isinstance(reading.trouble, Denied):
                reading.due = min(reading.due, self._around.clock() + wait)
        self._wake.set()

    async def _hear(self, event: Event) -> None:
        reading = self.readings[event.feed]
        match event.name:
            case "update" | "status.update":
                items, last = await self._collector.event(self.api, reading.feed, event.payload)
                moves = event.name == "update" and reading.whole and is_snowflake(last)
                await self._put(reading, items, last if moves else None, pages=False)
            case "delete":
                await self._put(reading, self._collector.gone(self.api, event.payload), pages=False)

    async def _put(
        self,
        reading: Reading,
        items: list[Collected],
        reached: str | None = None,
        *,
        pages: bool = True,
    ) -> None:
        """Hand on what was read; ``reached`` is the newest id: a post that comes in late has a lower one."""
        if reached is not None:
            place = stepped_back(reached)
            reading.place = place if reading.place is None else newest(place, reading.place)
        if items or pages or reached is not None:
            url, feed = self.api.instance.url, reading.feed
            watched = self._conversations.copy() if feed.account else None
            await self._steps.put(Step(url, feed.key, items, reading.place, pages, watched))

    def _interval(self, feed: Feed) -> timedelta:
        return RECHECK if self._streaming and feed in self._streamed else self._poll

    def _failed(self, reading: Reading, error: SourceUnavailable | Forbidden) -> None:
        self._note(error, reading.feed.key)
        reading.failures += 1
        reading.trouble = error if isinstance(error, SourceUnavailable) else Denied(str(error))
        pause = min(FIRST_PAUSE * 2 ** min(reading.failures, 10), LONGEST_PAUSE)
        if isinstance(reading.trouble, Denied):
            pause = DENIED_PAUSE
        asked = error.retry_after if isinstance(error, Refused) else None
        reading.due = self._around.clock() + max(pause * self._spread(), asked or timedelta())

    def _note(self, error: Exception, feed: str = "streams") -> None:
        agent = self._around.agent
        self._around.metrics.agent_errors.labels(agent, type(error).__name__).inc()
        log.warning("%s, %s of %s: %s", agent, feed, self.api.instance.host, error)

    def _spread(self) -> float:
        return 0.9 + 0.2 * self._around.jitter()
