"""What is said under the posts of accounts, where the stream does not tell it: beside it, and across gaps."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import Any

from agents.base import AgentError, Collected, Found, Gone, SourceUnavailable
from agents.bluesky.appview import BATCH, AppView
from agents.bluesky.collecting import Collector
from agents.bluesky.past import written_of
from agents.bluesky.profiles import Profiles
from agents.bluesky.records import did_of, part, parts
from agents.discussions.answered import Answered, Watched, wants_rest
from agents.surroundings import Surroundings
from agents.web import Forbidden

log = logging.getLogger("molva.agent.bluesky")


class Conversations:
    """The posts of ``accounts``, by DID, that were noted, and what is below them; see `Answered`."""

    def __init__(
        self,
        appview: AppView,
        profiles: Profiles,
        collector: Collector,
        around: Surroundings,
        accounts: Collection[str],
        known: Mapping[str, Watched],
    ) -> None:
        self._appview = appview
        self._profiles = profiles
        self._collector = collector
        self._around = around
        self._accounts = frozenset(accounts)
        self._posts = Answered(around.clock, known)

    def note(self, items: Sequence[Collected]) -> None:
        """Watch what an account has written; what was deleted no longer."""
        for item in items:
            match item:
                case Found(post=post) if (
                    post.kind != "repost" and (did := did_of(post.native_id)) in self._accounts
                ):
                    self._posts.note(post.native_id, did, post.created_at)
                case Gone(native_id=uri):
                    self._posts.forget(uri)

    def copy(self) -> dict[str, Watched]:
        """What the cursor keeps."""
        return self._posts.copy()

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """What is new of some of the posts that are due; after each step `copy` may be saved.

        A failure is told, and holds up no other post.
        """
        uris = self._posts.late(BATCH)
        if not uris:
            return
        try:
            found = await self._appview.posts(uris)
            absent = [uri for uri in uris if uri not in found]
            present = await self._present({did_of(uri) for uri in absent})
        except (SourceUnavailable, Forbidden) as error:
            self._failed(uris, error)
            return
        for uri in uris:
            if uri in found:
                yield await self._visited(uri, _count(found[uri]))
            elif did_of(uri) not in present:  # a suspended account comes back
                self._posts.failed([uri])
            elif self._posts.is_gone(uri):
                yield [self._collector.gone(uri, self._around.clock())]

    async def under(self, uri: str) -> list[Collected]:
        """What stands below a post of the past; nothing where the AppView does not show it.

        Raises:
            Refused: the AppView wants to be left alone.
        """
        try:
            return await self._answers(uri)
        except (SourceUnavailable, Forbidden) as error:
            if wants_rest(error):
                raise
            self._tell(error)
            return []

    async def _answers(self, uri: str) -> list[Collected]:
        """What stands below a post, as far as it is new; raises what the AppView does."""
        written = []
        for view in below(await self._appview.thread(uri)):
            if (each := written_of(view)) is not None:
                self._profiles.note(dict(part(view, "author")))
                written.append(each)
        return await self._collector.items(written)

    async def _visited(self, uri: str, count: int) -> list[Collected]:
        items: list[Collected] = []
        if self._posts.wants(uri, count):
            try:
                items = await self._answers(uri)
            except (SourceUnavailable, Forbidden) as error:
                self._failed([uri], error)
                return []
        self._posts.looked(uri, count, lively=bool(items))
        self.note(items)
        return items

    async def _present(self, dids: Collection[str]) -> set[str]:
        """Which of some accounts are there."""
        wanted = sorted(dids)
        return {each.did for each in await self._profiles.ask(wanted)} if wanted else set()

    def _failed(self, uris: Sequence[str], error: AgentError) -> None:
        """Put off those posts, or all that are due where the AppView is to be left alone."""
        self._posts.failed(self._posts.late(len(self._posts.copy())) if wants_rest(error) else uris)
        self._tell(error)

    def _tell(self, error: AgentError) -> None:
        self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
        log.warning("%s: answers are not read: %s", self._around.agent, error)


def below(thread: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The posts below the first one of a thread; what is hidden or gone is left out with what is below it."""
    waiting = list(parts(thread, "replies"))
    while waiting:
        each = waiting.pop()
        if part(each, "post"):
            yield part(each, "post")
        waiting += parts(each, "replies")


def _count(view: Mapping[str, Any]) -> int:
    count = view.get("replyCount")
    return count if isinstance(count, int) and count > 0 else 0
