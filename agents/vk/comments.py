"""All comments of one post with their threads: new ones, edited ones, deleted ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from agents.base import Collected, Gone
from agents.seen import digest
from agents.vk.api import NAMES, Call
from agents.vk.cursor import Watched
from agents.vk.desk import Answer, Desk, pages
from agents.vk.names import SOURCE, native_id
from agents.vk.posts import Item, comment_of, number_of

SIZE: Final = 100
THREAD_ITEMS: Final = 10
"""Comments of a thread that come with the comment that began it: VK's maximum."""
MASK: Final = 0xFFFF_FFFF


class Tree:
    """The comments of the post ``name``; what is known of them is in ``watched``."""

    def __init__(self, desk: Desk, name: str, watched: Watched) -> None:
        self._desk = desk
        owner, _, number = name.partition("_")
        self._owner, self._post = int(owner), int(number)
        self._watched = watched
        self._before = watched.last
        self._present: set[int] = set()

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Read all of them; after each step the cursor may be saved.

        Raises:
            Troubled: the comments cannot be read.
        """
        async for answer in self._level(None):
            yield self._taken(answer, answer.items)
            for top in answer.items:
                thread = _dict(top.get("thread"))
                replies = [each for each in _list(thread.get("items")) if number_of(each, "id") > 0]
                yield self._taken(answer, replies)
                if number_of(thread, "count") > len(replies):
                    async for more in self._level(number_of(top, "id")):
                        yield self._taken(more, more.items)
        yield self._missing()

    async def _level(self, under: int | None) -> AsyncIterator[Answer]:
        """The comments under the post, or those of the thread of one comment, oldest first."""
        newest = 0

        async def ask(offset: int) -> Answer:
            params = {
                "owner_id": self._owner,
                "post_id": self._post,
                "comment_id": under,
                "count": SIZE,
                "offset": offset,
                "sort": "asc",
                "need_likes": 1,
                "preview_length": 0,
                "extended": 1,
                "thread_items_count": THREAD_ITEMS if under is None else None,
                "fields": NAMES,
            }
            about = f"the comments of {native_id(self._owner, self._post)}"
            given = await self._desk.api.call(Call("wall.getComments", params, about))
            level = number_of(given, "current_level_count") if isinstance(given, dict) else 0
            answer = self._desk.read(given)
            return answer._replace(total=level or answer.total)

        def continues(items: list[Item]) -> bool:
            return min(number_of(each, "id") for each in items) <= newest

        async for page in pages(ask, SIZE, continues):
            newest = max([newest, *(number_of(each, "id") for each in page.answer.items)])
            yield page.answer

    def _taken(self, answer: Answer, comments: list[Item]) -> list[Collected]:
        found: list[Collected] = list(answer.odd) if comments is answer.items else []
        for comment in comments:
            found += self._one(answer, comment)
        return found

    def _one(self, answer: Answer, comment: Item) -> list[Collected]:
        """A comment: new, edited, deleted, or nothing of these."""
        number, known = number_of(comment, "id"), self._watched.known
        if comment.get("deleted") or comment.get("is_deleted"):
            return self._gone(number) if number in known else []
        self._present.add(number)
        mark = mark_of(comment)
        before = known.get(number)
        if before == mark or (before is None and self._watched.trimmed and number <= self._before):
            return []
        known[number] = mark
        self._watched.last = max(self._watched.last, number)
        moment = self._desk.moment
        revision = 0 if before is None else int(moment.timestamp() * 1000)
        return [comment_of(comment, self._owner, self._post, answer.people, moment, revision=revision)]

    def _missing(self) -> list[Collected]:
        """Deletions of the comments that were absent in two readings; the page may have shifted in one."""
        absent = [number for number in self._watched.known if number not in self._present]
        gone = [number for number in absent if number in self._watched.absent]
        self._watched.absent = tuple(number for number in absent if number not in gone)
        return [item for number in gone for item in self._gone(number)]

    def _gone(self, number: int) -> list[Collected]:
        self._watched.known.pop(number, None)
        name = native_id(self._owner, number)
        return [Gone(SOURCE, name, self._desk.moment, f"{SOURCE}:{name}")]


def mark_of(comment: Item) -> int:
    """32 bits of a hash of what a comment says; counts of likes do not matter."""
    hung = [
        (each.get("type"), number_of(_dict(each.get(str(each.get("type")))), "id"))
        for each in _list(comment.get("attachments"))
    ]
    return digest(comment.get("text"), hung) & MASK


def _dict(value: Any) -> Item:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Item]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
