"""What is said under the posts of accounts: servers stream no answers, so the posts are looked at again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence

from agents.base import AgentError, Collected, SourceUnavailable
from agents.discussions.answered import Answered, Watched, wants_rest
from agents.discussions.posting import iso_moment
from agents.mastodon.answers import Status
from agents.mastodon.api import BATCH, Api
from agents.mastodon.collecting import Collector
from agents.mastodon.cursor import order
from agents.mastodon.feeds import Feed
from agents.mastodon.statuses import is_shown
from agents.surroundings import Surroundings
from agents.web import Forbidden

log = logging.getLogger("molva.agent.mastodon")


class Conversations:
    """Answers, edits and deletions of the posts of one instance that were noted; see `Answered`."""

    def __init__(
        self, api: Api, collector: Collector, around: Surroundings, known: Mapping[str, Watched]
    ) -> None:
        self._api = api
        self._collector = collector
        self._around = around
        self._posts = Answered(around.clock, known)

    def note(self, feed: Feed, statuses: Sequence[Status]) -> None:
        """Watch the posts of an account; its boosts are answered elsewhere."""
        for status in statuses:
            published = iso_moment(status.get("created_at"))
            if published is not None and is_shown(status) and not status.get("reblog"):
                self._posts.note(str(status["id"]), feed.account, published)

    def has(self, number: str) -> bool:
        """Whether a post is watched."""
        return number in self._posts

    def copy(self) -> dict[str, Watched]:
        """What the cursor keeps."""
        return self._posts.copy()

    async def steps(self, feed: Feed) -> AsyncIterator[list[Collected]]:
        """What is new of some of an account's posts that are due; after each step `copy` may be saved.

        Raises:
            Refused: the server wants to be left alone; its other failures are told, and hold up no post.
            Denied: the account is gone, and its posts with it: that deletes none of them.
        """
        numbers = self._posts.late(BATCH, feed.account)
        if not numbers:
            return
        try:
            found = await self._api.statuses(numbers)
        except (SourceUnavailable, Forbidden) as error:
            if wants_rest(error):
                raise
            self._tell(error)
            self._posts.failed(numbers)
            return
        if found.absent:
            await self._collector.statuses_path(self._api, feed, again=True)
        for number in numbers:
            if number in found.there:
                yield await self._visited(number, found.there[number], feed)
            elif number not in found.absent:
                self._posts.failed([number])
            elif self._posts.is_gone(number):
                yield self._collector.gone(self._api, number)

    async def answers(self, status: Status, feed: Feed) -> list[Collected] | None:
        """What stands above and below a post, as far as it is new; None where the server does not show it.

        Raises:
            Refused: as `steps`.
        """
        try:
            told = sorted([status, *await self._api.context(str(status["id"]))], key=_age)
        except (SourceUnavailable, Forbidden) as error:
            if wants_rest(error):
                raise
            self._tell(error)
            return None
        self._collector.parents.note(self._api, told)
        return await self._collector.posts(self._api, feed, [each for each in told if each is not status])

    async def _visited(self, number: str, status: Status, feed: Feed) -> list[Collected]:
        """A new version of the post, and its answers where there may be new ones."""
        items = await self._collector.posts(self._api, feed, [status]) if status.get("edited_at") else []
        count, found = answers_to(status), list[Collected]()
        if self._posts.wants(number, count):
            read = await self.answers(status, feed)
            if read is None:
                self._posts.failed([number])
                return items
            found = read
        self._posts.looked(number, count, lively=bool(found))
        return items + found

    def _tell(self, error: AgentError) -> None:
        self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
        log.warning("%s, answers at %s: %s", self._around.agent, self._api.instance.host, error)


def answers_to(status: Status) -> int:
    """How many answers the server counts."""
    count = status.get("replies_count")
    return count if isinstance(count, int) and count > 0 else 0


def _age(status: Status) -> tuple[int, str]:
    return order(str(status["id"]))
