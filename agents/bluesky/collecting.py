"""What becomes of events: which posts are kept, which are news, whose deletion matters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from agents.base import Collected, Found, Gone, Rejected
from agents.bluesky import records
from agents.bluesky.cursor import REMEMBERED, moment_of
from agents.bluesky.events import Event, Removed, Renamed, Standing, event_of
from agents.bluesky.options import SOURCE, Options
from agents.bluesky.posts import Written, post_of
from agents.bluesky.profiles import Profiles
from agents.named_texts import NamedTexts, in_language
from agents.remembered import Remembered
from agents.surroundings import Surroundings
from pipeline.core.accounts import Owners

SEEN: Final = 20_000
_BETWEEN: Final = f"/{records.POST}/"
log = logging.getLogger("molva.agent.bluesky")


class Selected(NamedTuple):
    """The events of a batch that may matter, and the newest moment of all of its events."""

    events: list[Event]
    oldest: int
    newest: int


class Collector:
    """Turns events into items; ``accounts`` are the DIDs of what is collected whole."""

    def __init__(
        self,
        options: Options,
        around: Surroundings,
        profiles: Profiles,
        accounts: Collection[str],
        recent: Iterable[str],
    ) -> None:
        self._options = options
        self._around = around
        self._profiles = profiles
        self._accounts = frozenset(accounts)
        watched = around.watchlist
        self._owners = None if watched is None else Owners(watched)
        self._named = None if watched is None or options.only_accounts else NamedTexts(watched)
        self._seen: Remembered[str, None] = Remembered(SEEN)
        self._recent: Remembered[str, None] = Remembered(REMEMBERED, dict.fromkeys(recent))

    @property
    def recent(self) -> tuple[str, ...]:
        """The posts that were collected last, as ``did/key``."""
        return tuple(self._recent)

    async def events(self, texts: Sequence[str]) -> Selected:
        """Read messages and leave out what does not matter; in a thread, as there may be thousands."""
        return await asyncio.to_thread(self._select, texts)

    async def items(self, events: Sequence[Event]) -> list[Collected]:
        """The items of events, in their order; authors are looked up for all of them together."""
        posts = [each for each in events if isinstance(each, Written) and self._is_new(each)]
        await self._profiles.learn(each.did for each in posts)
        fresh, items = {id(each) for each in posts}, list[Collected]()
        for event in events:
            match event:
                case Written() if id(event) in fresh:
                    items.append(self._post(event))
                case Removed():
                    items += self._removed(event)
                case Standing():
                    items += self._closed(event)
                case Renamed():
                    self._profiles.renamed(event.did, event.handle)
                case Rejected():
                    items.append(event)
        return items

    def is_wanted(self, written: Written) -> bool:
        """Whether a post is by an account that is collected whole, speaks to one, or names something."""
        if self._accounts and (
            written.did in self._accounts or not self._accounts.isdisjoint(_others(written))
        ):
            return True
        if self._named is None or written.collection != records.POST:
            return False
        languages = records.strings(written.record, "langs")
        return (
            in_language(languages, self._options.languages)
            and records.full_text(written.record) in self._named
        )

    def _select(self, texts: Sequence[str]) -> Selected:
        events, oldest, newest = list[Event](), 0, 0
        for text in texts:
            event, time_us = event_of(text)
            newest, oldest = max(newest, time_us), oldest or time_us
            if event is not None and (not isinstance(event, Written) or self.is_wanted(event)):
                events.append(event)
        return Selected(events, oldest, newest)

    def _is_new(self, written: Written) -> bool:
        version = f"{written.uri}#{written.cid}"
        if version in self._seen:
            return False
        self._seen.note(version, None)
        return True

    def _post(self, written: Written) -> Found | Rejected:
        author = self._profiles.of(written.did)
        own = self._owners is not None and bool(self._owners.of(SOURCE, author.names))
        made = post_of(written, author, own=own, now=self._around.clock())
        if isinstance(made, Found):
            self._recent.note(_short(written.uri), None)
        return made

    def _removed(self, removed: Removed) -> list[Collected]:
        """The deletion of a post that was collected, or may have been."""
        if _short(removed.uri) not in self._recent and records.did_of(removed.uri) not in self._accounts:
            return []
        return [self.gone(removed.uri, moment_of(removed.time_us))]

    def _closed(self, standing: Standing) -> list[Collected]:
        """What is remembered of an account that was deleted; all of its posts cannot be listed any more."""
        self._profiles.forget(standing.did)
        if standing.active:
            return []
        mine = [each for each in self._recent if each.startswith(f"{standing.did}/")]
        if mine or standing.did in self._accounts:
            log.warning(
                "%s: the account %s is %s", self._around.agent, standing.did, standing.status or "away"
            )
        if standing.status != "deleted":  # others come back
            return []
        moment = moment_of(standing.time_us)
        return [self.gone(_whole(each), moment) for each in mine]

    def gone(self, uri: str, moment: datetime) -> Gone:
        """The deletion of a post."""
        return Gone(SOURCE, uri, moment, f"{SOURCE}:{uri}")


def _others(written: Written) -> set[str]:
    """The accounts that a post answers to, quotes or addresses."""
    record = written.record
    uris = (records.answered(record, "parent"), records.answered(record, "root"), records.quoted(record))
    return {*map(records.did_of, filter(None, uris)), *records.mentioned(record)}


def _short(uri: str) -> str:
    """``did/key`` of a post; other records as they are."""
    return uri.removeprefix("at://").replace(_BETWEEN, "/", 1)


def _whole(short: str) -> str:
    return f"at://{short.replace('/', _BETWEEN, 1)}" if short.count("/") == 1 else f"at://{short}"
