"""A period of the past: the posts of accounts, and searches for the names of what is watched.

For back-fill, and for gaps that are longer than what Jetstream keeps.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from agents.base import Collected
from agents.bluesky.appview import AppView, Denied
from agents.bluesky.collecting import Collector
from agents.bluesky.cursor import Past, microseconds, moment_of
from agents.bluesky.posts import Written
from agents.bluesky.profiles import Profiles
from agents.bluesky.records import POST, part, string
from agents.surroundings import Surroundings
from pipeline.core.watchlist import Watchlist

MOST_PHRASES: Final = 500
MILLISECOND: Final = 1000
"""To which the AppView tells moments."""
log = logging.getLogger("molva.agent.bluesky")


class Question(NamedTuple):
    """The posts of an account, or a search for a phrase."""

    account: str
    phrase: str


def questions(accounts: Sequence[str], watchlist: Watchlist | None) -> tuple[Question, ...]:
    """All that is asked about a period."""
    phrases = {alias.text: None for watched in watchlist or () for alias in watched.aliases}
    asked = [Question(each, "") for each in accounts]
    return tuple(asked + [Question("", each) for each in list(phrases)[:MOST_PHRASES]])


class Reader:
    """Reads periods with the questions of an agent."""

    def __init__(
        self,
        appview: AppView,
        profiles: Profiles,
        collector: Collector,
        around: Surroundings,
        asked: Sequence[Question],
    ) -> None:
        self._appview = appview
        self._profiles = profiles
        self._collector = collector
        self._around = around
        self._asked = asked
        self.denied: Denied | None = None
        """Why some of the period could not be read."""

    async def read(self, past: Past) -> AsyncGenerator[tuple[list[Collected], Past], None]:
        """The posts of a period page by page, and where to go on after each page.

        A question that is denied is left out and noted in `denied`. Raises SourceUnavailable.
        """
        for number in range(past.question, len(self._asked)):
            if number != past.question:
                past = Past(since=past.since, until=past.until, question=number)
                yield [], past  # what fails from here on is the fault of this question
            question = self._asked[number]
            try:
                async for written, reached in self._pages(question, past):
                    kept = [each for each in written if past.since <= microseconds(each.told) < past.until]
                    wanted = [each for each in kept if question.account or self._collector.is_wanted(each)]
                    past = past.model_copy(update={"reached": reached})
                    yield await self._collector.items(wanted), past
            except Denied as error:
                self.denied = error
                self._around.metrics.agent_errors.labels(self._around.agent, "Denied").inc()
                log.warning("%s: %s", self._around.agent, error)
                if question.phrase:
                    return

    async def _pages(self, question: Question, past: Past) -> AsyncIterator[tuple[list[Written], int]]:
        """Pages from the newest post on; where a search ends early it is asked again for what is older.

        Cursors of the AppView are offsets into a list that grows at its front, and end after some thousand
        posts; moments do not shift.
        """
        last, until = past.reached, past.until
        while True:
            if last is not None:
                until = last + MILLISECOND  # others may be of the same moment
            cursor, reached, found = None, until, 0
            while True:
                posts, cursor = await self._page(question, past.since, until, cursor)
                found += len(posts)
                reached = min([reached, *(microseconds(each.told) for each in posts)])
                yield posts, reached
                if cursor is None or reached < past.since:
                    break
            if question.account or not found or reached == last or reached < past.since:
                return
            last = reached

    async def _page(
        self, question: Question, since: int, until: int, cursor: str | None
    ) -> tuple[list[Written], str | None]:
        if question.account:
            feed, following = await self._appview.author_feed(question.account, cursor)
            views: Sequence[Any] = [part(each, "post") for each in feed if not each.get("reason")]
        else:
            begin, end = _iso(since), _iso(until)
            views, following = await self._appview.search(question.phrase, begin, end, cursor)
        posts = []
        for view in views:
            if (written := written_of(view)) is not None:
                self._profiles.note(dict(part(view, "author")))
                posts.append(written)
        return posts, following


def written_of(view: Any) -> Written | None:
    """A post as the AppView shows it; None where it is no post."""
    uri, record = string(view.get("uri")), part(view, "record")
    did, _, rest = uri.removeprefix("at://").partition("/")
    collection, _, key = rest.partition("/")
    indexed = string(view.get("indexedAt"))
    if collection != POST or not key or not record:
        return None
    try:
        told = datetime.fromisoformat(indexed)
    except ValueError:
        return None
    told = (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    counts = {"likes": "likeCount", "reposts": "repostCount", "comments": "replyCount"}
    engagement = {name: _count(view.get(field)) for name, field in counts.items()}
    return Written(did, collection, key, string(view.get("cid")), record, told=told, engagement=engagement)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _iso(time_us: int) -> str:
    return moment_of(time_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
