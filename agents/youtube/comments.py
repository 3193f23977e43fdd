"""The comments under a video, page by page, and the answers to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any, Final

from agents.base import Clock, Collected, SourceUnavailable
from agents.discussions.posting import count_of, part_of, parts_of, text_of
from agents.seen import Seen
from agents.youtube.api import Api, Reason
from agents.youtube.cursor import Video
from agents.youtube.posts import changed_at, comment_post, version_of

PAGE: Final = 100
MOST_PAGES: Final = 2000
EDITS: Final = 6 * 3600
"""Seconds after which comments are read again though their count is the same."""
HELD: Final = 3 * 86_400
"""Seconds: a comment that was held for so long is still found when it is let through."""
GONE: Final = ("videoNotFound", "commentsDisabled", "forbidden")


class Comments:
    """Reads what is new; ``seen`` remembers versions."""

    def __init__(self, api: Api, seen: Seen, clock: Clock, own: Collection[str]) -> None:
        self._api = api
        self._seen = seen
        self._clock = clock
        self._own = own

    async def steps(self, video: str, known: Video, count: int | None) -> AsyncIterator[list[Collected]]:
        """New comments and versions; ``count`` is how many YouTube counts now."""
        known.closed, now = count is None, int(self._clock().timestamp())
        same = count == known.count and not known.page and now - known.read < EDITS
        if known.closed or same:
            return
        known.began = known.began if known.page else now
        for _ in range(MOST_PAGES):
            page = await self._page(video, known)
            if page is None:
                return
            pending: list[Collected] = []
            try:
                for thread in parts_of(page, "items"):
                    pending += await self._thread(video, known, thread)
            except SourceUnavailable:
                yield pending  # they are noted as seen
                raise
            known.page = text_of(page.get("nextPageToken"))
            yield pending
            if not known.page:
                break
        known.read, known.page, known.count = known.began, "", -1 if count is None else count
        yield []

    async def _page(self, video: str, known: Video) -> dict[str, Any] | None:
        """A page of threads; None where there is nothing to read. A token that is too old begins anew."""
        while True:
            try:
                return await self._api.page(
                    "commentThreads",
                    part="snippet,replies",
                    videoId=video,
                    order="time",
                    textFormat="plainText",
                    maxResults=PAGE,
                    pageToken=known.page,
                    reserved=False,
                )
            except Reason as error:
                if error.reason in GONE:
                    known.closed = error.reason == "commentsDisabled"
                    known.page = ""
                    return None
                if not known.page or error.status != 400:
                    raise
                known.page = ""

    async def _thread(self, video: str, known: Video, thread: dict[str, Any]) -> list[Collected]:
        """A comment and its answers: YouTube shows some of these at once, the others are asked for."""
        told = part_of(thread, "snippet")
        top, total = part_of(told, "topLevelComment"), count_of(told.get("totalReplyCount")) or 0
        shown = parts_of(part_of(thread, "replies"), "comments")
        number = version_of(top)[0] or text_of(thread.get("id"))
        replies = ("replies", number, total)
        if total > len(shown) and not self._seen.has(*replies):
            shown = await self._replies(number)
        if total:
            self._seen.add(*replies)
        return [item for each in (top, *shown) if each for item in self._new(video, known, each)]

    async def _replies(self, parent: str) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        page = ""
        for _ in range(MOST_PAGES):
            try:
                answer = await self._api.page(
                    "comments",
                    part="snippet",
                    parentId=parent,
                    textFormat="plainText",
                    maxResults=PAGE,
                    pageToken=page,
                    reserved=False,
                )
            except Reason as error:
                if error.status != 404:
                    raise
                break  # it was deleted meanwhile
            found |= {version_of(each)[0]: each for each in parts_of(answer, "items")}
            page = text_of(answer.get("nextPageToken"))
            if not page:
                break
        return list(found.values())

    def _new(self, video: str, known: Video, comment: dict[str, Any]) -> list[Collected]:
        """The comment, unless this version is known; an old one may be known and forgotten."""
        is_new = self._seen.add(*version_of(comment))
        if not is_new or (known.read and changed_at(comment) < known.read - HELD):
            return []
        return [comment_post(comment, video, self._own, self._clock())]
