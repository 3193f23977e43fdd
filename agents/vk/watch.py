"""Posts that are read again: for their comments, edits and deletion, the older the more seldom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final

from agents.base import Collected, Gone
from agents.vk.api import NAMES, Call
from agents.vk.comments import Tree
from agents.vk.cursor import Watched
from agents.vk.desk import Desk
from agents.vk.failures import Restricted, Troubled
from agents.vk.names import SOURCE, native_id
from agents.vk.people import People
from agents.vk.posts import Item, edited_of, number_of, owner_of, post_of

AT_ONCE: Final = 100
"""Posts of one ``wall.getById``."""
SOONEST: Final = timedelta(minutes=2)
LATEST: Final = timedelta(days=1)
SHARE_OF_AGE: Final = 8
"""A post of an hour is read again after an eighth of that."""
EVERY_FEW: Final = 4
"""Comments are also read where their count stayed the same, each time out of so many."""
READINGS: Final = 2
"""A post or comment that is absent so often in a row was deleted."""


class Watch:
    """The watched posts of the cursor."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def due(self) -> float:
        """When the next post is due, Unix seconds; infinite where none is."""
        return min((each.due for each in self._desk.cursor.watched.values()), default=float("inf"))

    def knows(self, item: Item) -> bool:
        """Whether this version of a post was collected, and is watched."""
        known = self._desk.cursor.watched.get(native_id(owner_of(item), number_of(item, "id")))
        return known is not None and edited_of(item) <= known.edited

    def note(self, item: Item, *, tree: bool) -> None:
        """Watch a post from now on; one that is watched already stays as it is."""
        name = native_id(owner_of(item), number_of(item, "id"))
        known = self._desk.cursor.watched.get(name)
        date = number_of(item, "date")
        if known is None and self._desk.now - date <= self._desk.span:
            # its comments are read for the first time at once
            due = self._desk.now if tree else self._later(date)
            self._desk.cursor.watched[name] = Watched(date=date, due=due, edited=edited_of(item), tree=tree)
        elif known is not None and tree and not known.tree:
            known.tree, known.due = True, self._desk.now

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """Read the posts that are due; after each step the cursor may be saved."""
        desk, now = self._desk, self._desk.now
        late = sorted((each.due, name) for name, each in desk.cursor.watched.items() if each.due <= now)
        names = [name for _, name in late[:AT_ONCE]]
        if not names:
            return
        params = {"posts": ",".join(names), "extended": 1, "fields": NAMES, "copy_history_depth": 10}
        answer = desk.read(await desk.api.call(Call("wall.getById", params, "posts that are read again")))
        told = {native_id(owner_of(item), number_of(item, "id")): item for item in answer.items}
        present = {name: item for name, item in told.items() if not item.get("is_deleted")}
        readable = await self._readable([name for name in names if name not in told])
        items: list[Collected] = list(answer.odd)
        trees = []
        for name in names:
            if name not in present:
                items += self._missing(name, certain=name in told, readable=_owner(name) in readable)
                continue
            items += self._edit(name, present[name], answer.people)
            count = number_of(_dict(present[name].get("comments")), "count")
            if self._wants_tree(name, count):
                trees.append((name, count))
            else:
                self._visited(name)
        yield items
        for name, count in trees:
            async for found in self._tree(name, count):
                yield found

    def _edit(self, name: str, item: Item, people: People) -> list[Collected]:
        known = self._desk.cursor.watched[name]
        known.missed = 0
        if edited_of(item) <= known.edited:
            return []
        known.edited = edited_of(item)
        return [post_of(item, people, self._desk.moment)]

    def _missing(self, name: str, *, certain: bool, readable: bool) -> list[Collected]:
        """A post that is not there: deleted where VK says so, or twice while its wall can be read."""
        known = self._desk.cursor.watched[name]
        known.missed += READINGS if certain else 1 if readable else 0
        if known.missed < READINGS:
            known.due = self._desk.now + int(SOONEST.total_seconds())
            if not readable:
                self._visited(name)
            return []
        del self._desk.cursor.watched[name]
        return [Gone(SOURCE, name, self._desk.moment, f"{SOURCE}:{name}")]

    async def _readable(self, names: Sequence[str]) -> set[int]:
        """The walls of some posts that can be read: a wall that was closed hides posts, and deletes none."""
        owners = sorted({_owner(name) for name in names})
        calls = [Call("wall.get", {"owner_id": owner, "count": 1}, f"the wall {owner}") for owner in owners]
        answers = await self._desk.api.batch(calls) if calls else []
        return {
            owner for owner, answer in zip(owners, answers, strict=True) if not isinstance(answer, Troubled)
        }

    def _wants_tree(self, name: str, count: int) -> bool:
        known = self._desk.cursor.watched[name]
        if not known.tree or (count == 0 and not known.known):
            return False
        return count != known.count or known.visits % EVERY_FEW == 0 or bool(known.absent)

    async def _tree(self, name: str, count: int) -> AsyncIterator[list[Collected]]:
        """All comments of a post."""
        known = self._desk.cursor.watched.get(name)
        if known is None:
            return
        tree = Tree(self._desk, name, known)
        try:
            async for items in tree.steps():
                yield items
            known.count = count
        except Restricted as error:
            known.tree = False
            self._desk.complain(error)
        except Troubled as error:
            self._desk.complain(error)
        self._visited(name)
        yield []

    def _visited(self, name: str) -> None:
        known = self._desk.cursor.watched.get(name)
        if known is not None:
            known.visits += 1
            known.due = self._later(known.date)

    def _later(self, date: int) -> int:
        """When a post of ``date`` is read again: at moments that many posts share, for one request."""
        age = max(0, self._desk.now - date)
        soonest, latest = int(SOONEST.total_seconds()), int(LATEST.total_seconds())
        wait = min(max(age // SHARE_OF_AGE, soonest), latest)
        return -(-(self._desk.now + wait) // soonest) * soonest


def _owner(name: str) -> int:
    return int(name.partition("_")[0])


def _dict(value: Any) -> Item:
    return value if isinstance(value, dict) else {}
