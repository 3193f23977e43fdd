"""What a ``youtube`` agent finds by searches: the queries in turn, a page each, as far as the quota goes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from agents.base import Collected
from agents.discussions.posting import iso_moment, part_of, parts_of, text_of
from agents.discussions.rounds import Task
from agents.named_texts import NamedTexts
from agents.pace import Pace
from agents.youtube.cursor import Search
from agents.youtube.posts import id_of, words_of
from agents.youtube.tasks import AT_ONCE, Desk

OVERLAP: Final = 3600
"""Seconds that a search looks back beyond the last one: videos are found some time after they appear."""
FARTHEST: Final = 7 * 86_400
"""Seconds that a search looks back at most."""
log = logging.getLogger("molva.agent.youtube")


class Searching(Task):
    """Videos that name something.

    What does not fit into a page is read by the next turns of its query, from the newest to the oldest: by
    its period, as a page's token may be too old by then.
    """

    urgency = 3
    required = False

    def __init__(
        self, desk: Desk, pace: Pace, queries: Sequence[str], whole: Sequence[str], named: NamedTexts | None
    ) -> None:
        """``whole``: of these everything is kept; of the others what names something."""
        super().__init__("search", pace)
        self._desk = desk
        self._queries = tuple(queries)
        self._whole = frozenset(whole)
        self._named = named
        for query in self._queries:
            desk.cursor.searches.setdefault(query, Search())

    async def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """See `Task.steps`: the query that was asked longest ago."""
        desk = self._desk
        query = min(self._queries, key=lambda each: desk.cursor.searches[each].asked)
        state = desk.cursor.searches[query]
        if not state.until:
            self._begin(query, state)
        page = await desk.api.page(
            "search",
            part="snippet",
            q=f'"{query}"',
            type="video",
            order="date",
            maxResults=AT_ONCE,
            publishedAfter=_iso(state.since),
            publishedBefore=_iso(state.until) if state.until else "",
        )
        found = parts_of(page, "items")
        numbers = [number for each in found if (number := id_of(each))]
        fresh = [number for number in numbers if desk.is_new(number)]
        videos = await desk.videos(fresh, reserved=False) if fresh else {}
        items = [item for each in videos.values() if self._wanted(query, each) for item in desk.note(each)]
        desk.remember(number for number in numbers if number in videos or number not in fresh)
        yield items
        self._move(query, state, found, more=bool(text_of(page.get("nextPageToken"))))
        yield []

    def _begin(self, query: str, state: Search) -> None:
        """Where a reading begins: where the last one began, if that is not too long ago."""
        now = self._desk.now
        if state.done and now - state.done > FARTHEST:
            self._truncated(query, f"it was not asked since {_iso(state.done)}, it looks back 7 days only")
        state.began, state.since = now, max(state.done, now - FARTHEST) - OVERLAP

    def _move(self, query: str, state: Search, found: Sequence[dict[str, Any]], *, more: bool) -> None:
        """On to what is older than a page; or the reading is over."""
        state.asked = self._desk.now
        told = (iso_moment(part_of(each, "snippet").get("publishedAt")) for each in found)
        oldest = min((int(moment.timestamp()) for moment in told if moment is not None), default=0)
        until = min(oldest + 1, state.until - 1 if state.until else oldest + 1)
        if more and oldest and until > state.since:
            state.until = until
            return
        if more and not oldest:
            self._truncated(query, "a page that is not the last one tells no dates")
        state.done, state.until = state.began, 0

    def _truncated(self, query: str, why: str) -> None:
        around = self._desk.around
        around.metrics.agent_errors.labels(around.agent, "SearchTruncated").inc()
        log.warning("%s: the search for %s may miss videos: %s", around.agent, query, why)

    def _wanted(self, query: str, video: dict[str, Any]) -> bool:
        return query in self._whole or self._named is None or words_of(video) in self._named


def _iso(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
