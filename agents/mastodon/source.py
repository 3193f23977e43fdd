"""The ``mastodon`` agent: its instances side by side, one failing without hindering the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Final

from agents.base import DEFAULT_GRACE, BadConfiguration, Collected, Progress
from agents.mastodon.api import Api, Denied
from agents.mastodon.collecting import Collector
from agents.mastodon.conversations import Conversations, answers_to
from agents.mastodon.cursor import Cursor, InstanceState, id_at, is_snowflake
from agents.mastodon.feeds import Feed, feeds_of, homes
from agents.mastodon.instance import InstanceReader
from agents.mastodon.options import Instance, Options, own_accounts
from agents.mastodon.steps import QUEUED, Reading, Step, Steps
from agents.pace import trouble_of
from agents.surroundings import Surroundings
from agents.waiting import cancel
from schemas.base import LIVE

SAVE: Final = timedelta(seconds=5)
"""A place that moves without any post is saved so often at most."""
States = dict[str, InstanceState]


class MastodonSource:
    """The feeds of the options, and the watchlist's own accounts."""

    timeline = LIVE

    def __init__(self, options: Options, around: Surroundings) -> None:
        self.name = around.agent
        self.grace = DEFAULT_GRACE + timedelta(seconds=min(options.poll_seconds, 600))
        self._options = options
        self._around = around
        accounts = dict.fromkeys((*options.accounts, *own_accounts(around.watchlist)))
        at = homes(options.instances, tuple(accounts))
        self._feeds = {each.url: list(feeds_of(each, at[each.url])) for each in options.instances}
        if not any(self._feeds.values()):
            raise BadConfiguration(
                f"{self.name} has nothing to read: give an instance `timelines`, `hashtags` or `search`,"
                " or name `accounts`"
            )

    async def posts(self, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.Source.posts`."""
        known = self._states(cursor)
        collector = Collector(self._options, self._around, known)
        steps: Steps = asyncio.Queue(QUEUED)
        readers = [self._reader(each, known, collector, steps) for each in self._options.instances]
        running = [asyncio.ensure_future(reader.run()) for reader in readers if reader.readings]
        unread = {(reader.api.instance.url, key) for reader in readers for key in reader.readings}
        saved, saved_at = cursor, self._around.clock()
        try:
            while True:
                step = await _next(steps, running)
                for item in step.items:
                    yield item
                collector.handed_on(step.instance, step.items)
                _apply(step, known)
                if step.pages and (step.instance, step.feed) in unread:
                    unread.discard((step.instance, step.feed))
                    _require_some(readers, unread)
                if step.items or step.pages or self._around.clock() - saved_at >= SAVE:
                    now, saved_at = _written(known, collector), self._around.clock()
                    trouble = trouble_of(each.trouble for each in _readings(readers))
                    yield Progress(None if now == saved else now, caught_up=not unread, trouble=trouble)
                    saved = now
        finally:
            await cancel(*running)

    async def history(self, since: datetime, until: datetime, cursor: str | None) -> AsyncIterator[Collected]:
        """See `agents.base.History`: feed by feed from the oldest post on.

        Searches, and servers whose ids tell no time, cannot be read so and are left out.
        """
        known = self._states(cursor)
        collector = Collector(self._options, self._around, known)
        for instance in self._options.instances:
            api = Api(self._around.web, instance, self._around.clock)
            for feed in self._feeds[instance.url]:
                if feed.key.startswith("search:"):
                    continue
                begin = known[instance.url].places.get(feed.key) or id_at(since)
                async for step in self._past(api, feed, collector, begin, id_at(until)):
                    for item in step.items:
                        yield item
                    _apply(step, known)
                    yield Progress(_written(known, collector))

    async def _past(
        self, api: Api, feed: Feed, collector: Collector, begin: str, end: str
    ) -> AsyncIterator[Step]:
        """A feed from one id to another, with the answers to what accounts have posted."""
        conversations = Conversations(api, collector, self._around, {})
        path = await collector.statuses_path(api, feed) if feed.account else feed.path
        async with aclosing(api.pages(path, feed.params, begin, end)) as pages:  # type: ignore[type-var]
            async for found, reached in pages:
                if not is_snowflake(reached):
                    return
                items = await collector.posts(api, feed, found)
                for status in filter(answers_to, found if feed.account else ()):
                    items += await conversations.answers(status, feed) or ()
                yield Step(api.instance.url, feed.key, items, reached)

    def _states(self, cursor: str | None) -> States:
        """What is known of each instance of the options, and of the feeds that it has now."""
        states: States = {}
        for url, feeds in self._feeds.items():
            state = Cursor.read(cursor).instances.get(url, InstanceState())
            keys = {feed.key for feed in feeds}
            places = {key: place for key, place in state.places.items() if key in keys}
            states[url] = state.model_copy(update={"places": places})
        return states

    def _reader(
        self, instance: Instance, states: States, collector: Collector, steps: Steps
    ) -> InstanceReader:
        return InstanceReader(
            instance,
            self._feeds[instance.url],
            states[instance.url],
            self._around,
            collector,
            steps,
            poll=timedelta(seconds=self._options.poll_seconds),
        )


def _apply(step: Step, states: States) -> None:
    state = states[step.instance]
    if step.place is not None:
        state = state.model_copy(update={"places": {**state.places, step.feed: step.place}})
    if step.watched is not None:
        state = state.model_copy(update={"watched": step.watched})
    states[step.instance] = state


def _written(states: States, collector: Collector) -> str:
    return Cursor(
        instances={
            url: state.model_copy(update={"recent": collector.recent[url].copy()})
            for url, state in states.items()
        }
    ).written()


async def _next(steps: Steps, running: Sequence[asyncio.Future[None]]) -> Step:
    """The next step; an error of a reader is raised."""
    if not steps.empty():
        return steps.get_nowait()
    taking: asyncio.Future[Any] = asyncio.ensure_future(steps.get())
    try:
        await asyncio.wait((taking, *running), return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            step: Step = taking.result()
            return step
    finally:
        await cancel(taking)
    for task in running:
        if task.done():
            task.result()
    raise AssertionError("unreachable: a reader never ends by itself")


def _readings(readers: Sequence[InstanceReader]) -> list[Reading]:
    return [reading for reader in readers for reading in reader.readings.values()]


def _require_some(readers: list[InstanceReader], unread: set[tuple[str, str]]) -> None:
    """Go on where something can be read, or may be one day.

    Raises:
        BadConfiguration: all is denied.
    """
    readings = _readings(readers)
    if not unread and all(isinstance(reading.trouble, Denied) for reading in readings):
        raise BadConfiguration(
            "nothing can be read: " + "; ".join(dict.fromkeys(str(each.trouble) for each in readings))
        )
