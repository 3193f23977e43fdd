"""One channel by its preview pages: the newest tells news, edits and deletions; older ones fill holes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from agents.base import Collected, Gone, SourceUnavailable
from agents.pace import Pace
from agents.surroundings import Surroundings
from agents.telegram_names import SOURCE, marked, native_id
from agents.telegram_web.cursor import WATCHED, ChannelState, Hole, Watched
from agents.telegram_web.page import Page, Shown, page_of, refusal
from agents.telegram_web.posts import digest, post_of
from agents.web import Forbidden
from pipeline.core.accounts import Owners

OK: Final = 200
READINGS: Final = 2
"""A post that is missing that often in a row was deleted; once may be a mistake of Telegram's caches."""
FASTEST: Final = timedelta(minutes=1)
SLOWEST: Final = timedelta(minutes=15)
log = logging.getLogger("molva.agent.telegram_web")


class Unreadable(SourceUnavailable):
    """There is no preview of a channel; the message says why."""


class Channel:
    """``state`` may be saved after each step of `steps`; ``pace`` tells when it is asked.

    ``reached`` is the date of the oldest post on the last page that filled a hole.
    """

    def __init__(
        self,
        handle: str,
        state: ChannelState,
        around: Surroundings,
        *,
        site: str,
        history: int,
        owners: Owners | None,
    ) -> None:
        self.handle = handle
        self.state = state
        self.pace = Pace(around.clock, around.jitter, fastest=FASTEST, slowest=SLOWEST)
        self._around = around
        self._site = site
        self.reached: datetime | None = None
        self._history = history
        self._owners = owners

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """What is new, page by page; after each step `state` may be saved.

        Raises:
            Unreadable: the channel has no preview.
            SourceUnavailable: Telegram does not answer, or not with a page.
        """
        while self.state.hole is not None:
            yield await self.fill(self.state.hole)
        yield await self._newest()
        while self.state.hole is not None:
            yield await self.fill(self.state.hole)

    async def page(self, before: int | None = None) -> Page:
        """The newest page, or the one with the posts before a number; raises as `steps`."""
        url = f"{self._site}/s/{self.handle}"
        try:
            reply = await self._around.web.get(
                url, params={"before": before}, headers={"Accept-Language": "en"}, accept=("text/html",)
            )
        except Forbidden as error:
            raise Unreadable(f"@{self.handle} is sent on to another site: {error}") from error
        found = await asyncio.to_thread(page_of, reply.text)
        if reply.status == OK and found is not None:
            return found
        if reply.status != OK:
            raise SourceUnavailable(f"@{self.handle}: HTTP {reply.status}")
        raise Unreadable(f"@{self.handle} {refusal(reply.text)}")

    async def _newest(self) -> list[Collected]:
        page = await self.page()
        self.recognise(page)
        state = self.state
        if not page.posts:
            if state.last:
                raise SourceUnavailable(
                    f"@{self.handle} shows no posts any more: has the page another shape now?"
                )
            return []
        newest, oldest = page.posts[-1].number, page.posts[0].number
        low = state.last or max(0, newest - self._history)
        items = [item for shown in page.posts if shown.number > low for item in self._new(shown, page)]
        items += self._edits(page) + self._missing(page)
        hole = Hole(low=low, high=oldest) if oldest > low + 1 and not page.first else None
        self.state = self.state.changed(last=max(state.last, newest), hole=hole, posts=self._watch(page, low))
        return items

    async def fill(self, hole: Hole) -> list[Collected]:
        """The next older page of a hole; a page without any older post ends it."""
        page = await self.page(before=hole.high)
        older = [shown for shown in page.posts if shown.number < hole.high]
        wanted = [shown for shown in older if shown.number > hole.low]
        items = [item for shown in wanted for item in self._new(shown, page)]
        ends = page.first or not older or older[0].number <= hole.low + 1
        self.reached = older[0].moment if older else None
        rest = None if ends else Hole(low=hole.low, high=older[0].number)
        posts = {**{each.number: Watched(digest=digest(each)) for each in wanted}, **self.state.posts}
        self.state = self.state.changed(hole=rest, posts=_newest_of(posts))
        return items

    def recognise(self, page: Page) -> None:
        """Note who the channel is; one that has taken over the name of another begins anew."""
        state = self.state
        if page.peer and state.peer and page.peer != state.peer:
            log.warning("@%s is another channel now: it is read from its beginning", self.handle)
            state = ChannelState(called=f"c/{page.peer}")
        self.state = state.changed(peer=page.peer or state.peer, called=state.called or self.handle)

    def _new(self, shown: Shown, page: Page, revision: int = 0) -> list[Collected]:
        if shown.service:
            return []
        names = (self.handle, *((str(page.peer), marked(page.peer)) if page.peer else ()))
        own = self._owners is not None and bool(self._owners.of(SOURCE, names))
        called, now = self.state.called, self._around.clock()
        return [post_of(shown, page, called=called, handle=self.handle, own=own, now=now, revision=revision)]

    def _edits(self, page: Page) -> list[Collected]:
        revision = int(self._around.clock().timestamp() * 1000)
        return [
            item
            for shown in page.posts
            if (known := self.state.posts.get(shown.number)) is not None and known.digest != digest(shown)
            for item in self._new(shown, page, revision)
        ]

    def _missing(self, page: Page) -> list[Collected]:
        """Deletions of posts that should have been on the newest page twice in a row."""
        gone = [number for number, known in self._absent(page).items() if known.missed >= READINGS]
        names = (native_id(self.state.called, number) for number in gone)
        return [Gone(SOURCE, name, self._around.clock(), f"{SOURCE}:{name}") for name in names]

    def _absent(self, page: Page) -> dict[int, Watched]:
        """The watched posts that the page lacks, within its reach."""
        shown, oldest = {each.number for each in page.posts}, page.posts[0].number
        reach = 0 if page.first else oldest
        return {
            number: Watched(digest=known.digest, missed=known.missed + 1)
            for number, known in self.state.posts.items()
            if number >= reach and number not in shown
        }

    def _watch(self, page: Page, low: int) -> dict[int, Watched]:
        absent = {number: known for number, known in self._absent(page).items() if known.missed < READINGS}
        kept = {number: known for number, known in self.state.posts.items() if number < page.posts[0].number}
        if page.first:
            kept = {}
        wanted = (each for each in page.posts if each.number > low or each.number in self.state.posts)
        present = {each.number: Watched(digest=digest(each)) for each in wanted if not each.service}
        return _newest_of({**kept, **absent, **present})


def _newest_of(posts: dict[int, Watched]) -> dict[int, Watched]:
    return {number: posts[number] for number in sorted(posts)[-WATCHED:]}
