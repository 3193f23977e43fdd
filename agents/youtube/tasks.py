"""What a ``youtube`` agent does in turn, besides its searches: channels for new videos, videos again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from agents.base import Collected, Gone, SourceUnavailable
from agents.discussions.aging import rest_after, rest_after_failures
from agents.discussions.failures import bear
from agents.discussions.posting import iso_moment, part_of, parts_of, text_of
from agents.discussions.rounds import Task
from agents.listing import Unreadable
from agents.pace import Pace
from agents.seen import Seen
from agents.surroundings import Surroundings
from agents.youtube.api import Api, Reason
from agents.youtube.comments import Comments
from agents.youtube.cursor import Channel, Cursor, Video
from agents.youtube.options import SOURCE
from agents.youtube.posts import comments_of, id_of, mark_of, video_post

AT_ONCE: Final = 50
"""Videos, or entries of a list, of one answer."""
READINGS: Final = 2
"""A video that is absent so often in a row was deleted, or made private."""
ABSENT: Final = 600
"""Seconds after which a video that was absent is looked for again."""
PARTS: Final = "snippet,statistics"


class Desk:
    """What the tasks of an agent work with."""

    def __init__(self, api: Api, cursor: Cursor, seen: Seen, around: Surroundings, own: set[str]) -> None:
        self.api = api
        self.cursor = cursor
        self.seen = seen
        self.around = around
        self.clock = around.clock
        self.own = own
        """The ids of the company's own channels, as far as they are known."""

    @property
    def now(self) -> int:
        return int(self.clock().timestamp())

    def is_new(self, number: str) -> bool:
        """Whether a video was never looked at, or so long ago that it is forgotten."""
        return number not in self.cursor.videos and not self.seen.has("video", number)

    def remember(self, numbers: Iterable[str]) -> None:
        """These videos are still shown in a list."""
        for number in numbers:
            self.seen.add("video", number)

    async def videos(self, numbers: Sequence[str], *, reserved: bool) -> dict[str, dict[str, Any]]:
        """Videos by id, at most `AT_ONCE`; those that cannot be seen are missing."""
        page = await self.api.page(
            "videos", part=PARTS, id=",".join(numbers), maxResults=50, reserved=reserved
        )
        return {id_of(each): each for each in parts_of(page, "items") if id_of(each)}

    def note(self, video: dict[str, Any]) -> list[Collected]:
        """A version of a video where it is new; it is followed from now on."""
        number, mark = id_of(video), mark_of(video)
        moment = iso_moment(part_of(video, "snippet").get("publishedAt"))
        date = self.now if moment is None else int(moment.timestamp())
        known = self.cursor.videos.setdefault(number, Video(date=date, due=self.now))
        known.missed = 0
        if known.mark == mark:
            return []
        edited, known.mark = known.mark != 0, mark
        return [video_post(video, self.own, self.clock(), edited=edited)]


class Uploads(Task):
    """New videos of a channel; ``name`` is its handle or id."""

    def __init__(self, name: str, desk: Desk, pace: Pace, *, own: bool, history: int) -> None:
        super().__init__(name, pace)
        self.urgency = 0 if own else 2
        self._own = own
        self._desk = desk
        self._history = history
        self._state = desk.cursor.channels.setdefault(name, Channel())
        if own and self._state.id:
            desk.own.add(self._state.id)

    async def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """See `Task.steps`."""
        desk, state = self._desk, self._state
        if not state.uploads:
            await self._look_up()
            yield []
        page, read, news, reached = "", 0, 0, state.reached
        while True:
            found = await self._page(page)
            numbers = self._numbers(found, read)
            fresh = [number for number in numbers if desk.is_new(number)]
            videos = await desk.videos(fresh, reserved=self._own) if fresh else {}
            items = [
                item for number in reversed(fresh) if number in videos for item in desk.note(videos[number])
            ]
            desk.remember(number for number in numbers if number in videos or number not in fresh)
            page, read, news = text_of(found.get("nextPageToken")), read + len(numbers), news + len(fresh)
            if state.begun:
                # behind what was new, and behind what a round had read that broke off
                more = bool(page and numbers) and read <= reached + news
                state.reached = max(read, reached + news) if more else 0
            else:
                more = bool(page and numbers) and read < self._history
            yield items
            if not more:
                break
        state.begun = True

    def _numbers(self, page: dict[str, Any], read: int) -> list[str]:
        """The videos of a page, behind ``read`` others; of a channel that is new only its history."""
        told = (text_of(part_of(each, "contentDetails").get("videoId")) for each in parts_of(page, "items"))
        numbers = [number for number in told if number]
        return numbers if self._state.begun else numbers[: self._history - read]

    async def _page(self, page: str) -> dict[str, Any]:
        try:
            return await self._desk.api.page(
                "playlistItems",
                part="contentDetails",
                playlistId=self._state.uploads,
                maxResults=AT_ONCE,
                pageToken=page,
                reserved=self._own,
            )
        except Reason as error:
            if error.reason != "playlistNotFound":
                raise
            return {}  # a channel without videos has no list of them

    async def _look_up(self) -> None:
        handle, number = (self.name, "") if self.name.startswith("@") else ("", self.name)
        page = await self._desk.api.page("channels", part="contentDetails", forHandle=handle, id=number)
        found = next(iter(parts_of(page, "items")), {})
        uploads = part_of(part_of(found, "contentDetails"), "relatedPlaylists").get("uploads")
        if not id_of(found) or not text_of(uploads):
            raise Unreadable(f"there is no channel {self.name} on YouTube, or it was closed")
        self._state.id, self._state.uploads = id_of(found), text_of(uploads)
        if self._own:
            self._desk.own.add(self._state.id)


class Again(Task):
    """Videos that are due: their words, whether they are still there, and what is new under them."""

    urgency = 1
    required = False

    def __init__(self, desk: Desk, pace: Pace, *, span: int, comments: bool) -> None:
        super().__init__("videos", pace)
        self._desk = desk
        self._span = span
        self._comments = comments

    async def steps(self) -> AsyncIterator[Sequence[Collected]]:
        """See `Task.steps`."""
        desk = self._desk
        desk.cursor.trim(desk.now, self._span)
        late = sorted(
            (each.due, number) for number, each in desk.cursor.videos.items() if each.due <= desk.now
        )
        numbers = [number for _, number in late[:AT_ONCE]]
        if not numbers:
            return
        found = await desk.videos(numbers, reserved=False)
        for number in numbers:
            known, video = desk.cursor.videos[number], found.get(number)
            if video is None:
                yield self._missing(number, known)
                continue
            yield desk.note(video)
            news = 0
            try:
                async for items in self._under(number, known, video):
                    news += len(items)
                    yield items
            except SourceUnavailable as error:
                bear(error, desk.around, f"what is said under the video {number}")
                known.failures += 1
                known.due = desk.now + rest_after_failures(known.failures)
            else:
                known.failures = 0
                known.due = desk.now + rest_after(desk.now - known.date, lively=news > 0)
            yield []

    async def _under(
        self, number: str, known: Video, video: dict[str, Any]
    ) -> AsyncIterator[list[Collected]]:
        desk = self._desk
        if self._comments:
            comments = Comments(desk.api, desk.seen, desk.clock, desk.own)
            async for items in comments.steps(number, known, comments_of(video)):
                yield items

    def _missing(self, number: str, known: Video) -> list[Collected]:
        known.missed += 1
        known.due = self._desk.now + ABSENT
        if known.missed < READINGS:
            return []
        del self._desk.cursor.videos[number]
        return [Gone(SOURCE, number, self._desk.clock(), f"{SOURCE}:{number}")]
