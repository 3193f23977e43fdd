"""What the parts of a ``vk`` agent share while it runs: the API, the cursor, the clock, the own accounts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from agents.base import AgentError, Rejected
from agents.seen import Seen
from agents.surroundings import Surroundings
from agents.vk.api import Api
from agents.vk.cursor import Cursor
from agents.vk.failures import Troubled
from agents.vk.names import SOURCE
from agents.vk.options import Options
from agents.vk.people import People
from agents.vk.posts import Item, number_of, rejected
from schemas.codec import InvalidRecord

OVERLAP: Final = 5
"""Items of a page that are read again on the next one: something may vanish between the two."""
EMPTY_PAGES: Final = 3

log = logging.getLogger("molva.agent.vk")


class Answer(NamedTuple):
    """A list that VK gave: its items, who is who, how many there are in all, where it goes on."""

    items: list[Item]
    people: People
    total: int
    next_from: str
    odd: list[Rejected]
    """What is no item."""


class Page(NamedTuple):
    """A page of a list; ``following`` is the offset of the next one."""

    answer: Answer
    following: int


class Desk:
    """One run of the agent."""

    def __init__(self, options: Options, around: Surroundings, api: Api, cursor: Cursor, own: Own) -> None:
        self.options = options
        self.around = around
        self.api = api
        self.cursor = cursor
        self.seen = Seen.unpacked(cursor.seen, renewed=False)
        self.own = own
        self.span = int(options.comments_for.total_seconds())

    @property
    def moment(self) -> datetime:
        return self.around.clock()

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.around.clock().timestamp())

    def read(self, answer: Any) -> Answer:
        """A list as VK gives it: an object with ``items``, or the bare list of old versions.

        Raises:
            Troubled: it is none; an empty list must not be taken for it, for it tells of deletions.
        """
        known: Mapping[str, Any] = answer if isinstance(answer, dict) else {"items": answer}
        listed = known.get("items")
        if not isinstance(listed, list):
            raise Troubled("VK gave an answer without a list of items", 0)
        items: list[Item] = []
        odd: list[Rejected] = []
        for each in listed:
            if isinstance(each, dict) and number_of(each, "id") > 0:
                items.append(each)
            elif self.seen.add("odd", each):
                error = InvalidRecord("invalid", "an item without a number `id`")
                odd.append(rejected(each, f"{SOURCE}:?", error))
        count = max(number_of(known, name) for name in ("count", "total_count"))
        return Answer(items, People(known, self.own), count, str(known.get("next_from") or ""), odd)

    def saved(self) -> str:
        """The cursor."""
        self.cursor.trim(self.now, self.span)
        self.cursor.seen = self.seen.packed()
        return self.cursor.written()

    def complain(self, error: AgentError) -> None:
        """Tell of what could not be read."""
        self.around.metrics.agent_errors.labels(self.around.agent, type(error).__name__).inc()
        log.warning("%s: %s", self.around.agent, error)


class Own:
    """Whether a number or a screen name is an own account."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = set(names)
        self.numbers: set[int] = set()

    def __call__(self, number: int, handle: str) -> bool:
        return number in self.numbers or str(number) in self.names or handle.lower() in self.names


async def pages(
    ask: Callable[[int], Awaitable[Answer]],
    size: int,
    continues: Callable[[list[Item]], bool],
    *,
    offset: int = 0,
) -> AsyncIterator[Page]:
    """The pages of a list that may change meanwhile: each begins with the end of the one before it.

    Args:
        ask: the items from an offset on, at most ``size``.
        continues: whether items go on without a gap; where not, the page is asked for further up, once.
    """
    turned, empty = False, 0
    while True:
        answer = await ask(offset)
        if offset and not turned and answer.items and not continues(answer.items):
            offset, turned = max(0, offset - size), True
            continue
        turned, empty = False, 0 if answer.items else empty + 1
        last = offset + size >= answer.total or empty >= EMPTY_PAGES
        offset += size - OVERLAP
        yield Page(answer, offset)
        if last:
            return
