"""What a ``reddit`` agent does in turn: listings of news, posts again, comments under some."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, Final

from agents.base import Collected, Gone, SourceUnavailable
from agents.discussions.aging import rest_after, rest_after_failures
from agents.discussions.failures import bear
from agents.discussions.posting import count_of
from agents.discussions.rounds import Task
from agents.pace import Pace
from agents.reddit.cursor import Cursor, Place, Watched
from agents.reddit.door import Absent, Api, kinds
from agents.reddit.options import SOURCE
from agents.reddit.posts import COMMENT, SUBMISSION, Thing, edited_at, is_gone, name_of, post_of, written_at
from agents.reddit.tree import Tree
from agents.seen import Seen
from agents.surroundings import Surroundings

PAGE: Final = 100
DEEPEST: Final = 1000
"""Reddit shows no more of a listing."""
LATE: Final = 3600.0
"""Seconds: a post that a filter held back for so long is still found behind the newest."""
ANCHORS: Final = 5
READINGS: Final = 2
log = logging.getLogger("molva.agent.reddit")


class Desk:
    """What the tasks of an agent work with; ``own`` are users, ``places`` subreddits of the company."""

    def __init__(
        self,
        api: Api,
        cursor: Cursor,
        seen: Seen,
        around: Surroundings,
        own: Collection[str],
        places: Collection[str],
    ) -> None:
        self.api = api
        self.cursor = cursor
        self.seen = seen
        self.around = around
        self.clock = around.clock
        self.own = own
        self.places = places

    @property
    def now(self) -> int:
        return int(self.clock().timestamp())

    def version(self, thing: Thing, *, tree: bool = False) -> list[Collected]:
        """What is new of a post: itself, an edit, its end; it is read again from now on."""
        name, edited = name_of(thing), edited_at(thing)
        if not name:
            return []
        known = self.cursor.watched.get(name)
        if is_gone(thing):
            self.cursor.watched.pop(name, None)
            return [] if known is None else [self.gone(name)]
        if known is None:
            date = int(written_at(thing)) or self.now
            known = self.cursor.watched[name] = Watched(date=date, due=self.now if tree else date + 600)
        known.tree, known.missed = known.tree or tree, 0
        if not self.seen.add(name, edited or ""):
            return []
        return [post_of(thing, self.own, self.places, self.clock())]

    def gone(self, name: str) -> Gone:
        return Gone(SOURCE, name, self.clock(), f"{SOURCE}:{name}")


class News(Task):
    """A listing, newest first, read back to where it was read before.

    One anchor (``before=``) would be cheaper, but where its post is deleted Reddit gives an empty page, as if
    there were no news. So the newest page is read each time, and behind it by the last few posts in turn.
    """

    def __init__(
        self,
        path: str,
        desk: Desk,
        pace: Pace,
        *,
        wanted: Callable[[Thing], bool],
        tree: Callable[[Thing], bool],
        **params: Any,
    ) -> None:
        super().__init__(path + str(params.get("q", "")), pace)
        self._path = path
        self._params = params
        self._desk = desk
        self._wanted = wanted
        self._tree = tree
        self._state = desk.cursor.places.setdefault(self.name, Place())

    async def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """See `Task.steps`."""
        desk, state = self._desk, self._state
        read, newest, page = 0, state.done, await self._page("", 0)
        while page:
            read += len(page)
            newest = max(newest, *map(written_at, page))
            items = [
                item
                for thing in reversed(page)
                if self._wanted(thing)
                for item in desk.version(thing, tree=self._tree(thing))
            ]
            yield items
            reached = min(map(written_at, page))
            if not state.done or reached < state.done - (LATE if items else 0):
                break
            if read >= DEEPEST:
                log.warning("%s: Reddit shows no more than %d posts, older ones are lost", self.name, read)
                break
            page = await self._behind(page, read)
        state.done = newest or desk.now - LATE
        yield []

    async def _page(self, after: str, count: int) -> list[Thing]:
        things = await self._desk.api.listing(
            self._path, limit=PAGE, after=after, count=count or None, **self._params
        )
        return [thing for thing in kinds(things, COMMENT, SUBMISSION) if name_of(thing)]

    async def _behind(self, page: Sequence[Thing], read: int) -> list[Thing]:
        """The page behind this one; where its last post vanished, behind one of those before it."""
        if len(page) < PAGE:
            return []
        for thing in list(reversed(page))[:ANCHORS]:
            if found := await self._page(name_of(thing), read):
                return found
        return []


class Again(Task):
    """Posts that are due: edits, ends, and where the number of comments has changed what is under them."""

    urgency = 1
    required = False

    def __init__(self, desk: Desk, pace: Pace, span: int) -> None:
        super().__init__("posts", pace)
        self._desk = desk
        self._span = span

    async def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """See `Task.steps`."""
        desk = self._desk
        desk.cursor.trim(desk.now, self._span)
        late = sorted((each.due, name) for name, each in desk.cursor.watched.items() if each.due <= desk.now)
        names = [name for _, name in late[:PAGE]]
        if not names:
            return
        things = kinds(await desk.api.listing("api/info", id=",".join(names)), COMMENT, SUBMISSION)
        found = {name_of(thing): thing for thing in things}
        for name in names:
            known = desk.cursor.watched[name]
            if name not in found:
                yield self._missing(name, known)
                continue
            yield desk.version(found[name])
            if name not in desk.cursor.watched:
                continue  # it is gone
            news = 0
            try:
                async for items in self._under(found[name], known):
                    news += len(items)
                    yield items
            except SourceUnavailable as error:
                bear(error, desk.around, f"what is said under {name}")
                known.failures += 1
                known.due = desk.now + rest_after_failures(known.failures)
            else:
                known.failures = 0
                known.due = desk.now + rest_after(desk.now - known.date, lively=news > 0)
        yield []

    async def _under(self, thing: Thing, known: Watched) -> AsyncIterator[list[Collected]]:
        count = count_of(thing.get("num_comments"))
        if not known.tree or count is None or count == known.count:
            return
        try:
            async for things in Tree(self._desk.api, name_of(thing)).steps():
                yield [item for each in things for item in self._desk.version(each)]
        except Absent as error:
            log.warning("%s", error)
        known.count = count

    def _missing(self, name: str, known: Watched) -> list[Collected]:
        known.missed += 1
        known.due = self._desk.now + 600
        if known.missed < READINGS:
            return []
        del self._desk.cursor.watched[name]
        return [self._desk.gone(name)]
