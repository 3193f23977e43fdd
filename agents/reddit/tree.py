"""The comments under a submission: a page of the tree, and what Reddit left out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from agents.discussions.posting import part_of, parts_of
from agents.reddit.door import Api, things_of
from agents.reddit.posts import COMMENT, Thing
from agents.web import Unusable

AT_ONCE: Final = 100
MOST: Final = 200
"""Requests of one reading."""
PAGE: Final = 500


class Tree:
    """All comments under the submission with the full name ``root``."""

    def __init__(self, api: Api, root: str) -> None:
        self._api = api
        self._root = root
        self._left: deque[str] = deque()
        """Comments that were left out."""
        self._deeper: deque[str] = deque()
        """Comments whose answers are too deep for the page."""

    async def steps(self) -> AsyncIterator[list[Thing]]:
        """Comments, a few at a time. Raises what `Api.get` does."""
        yield await self._page("")
        for _ in range(MOST):
            if self._left:
                numbers = [self._left.popleft() for _ in range(min(AT_ONCE, len(self._left)))]
                yield await self._more(numbers)
            elif self._deeper:
                yield await self._page(self._deeper.popleft())
            else:
                return

    async def _page(self, below: str) -> list[Thing]:
        path = f"comments/{self._root.partition('_')[2]}"
        told = await self._api.get(path, limit=PAGE, sort="new", comment=below)
        if not isinstance(told, list) or len(told) < 2:
            raise Unusable(f"{path}: Reddit gave no tree of comments")
        return self._flat(things_of(told[1], path))

    async def _more(self, numbers: list[str]) -> list[Thing]:
        told = await self._api.get(
            "api/morechildren", api_type="json", link_id=self._root, children=",".join(numbers)
        )
        return self._flat(parts_of(part_of(part_of(told, "json"), "data"), "things"))

    def _flat(self, things: list[dict[str, Any]]) -> list[Thing]:
        found, queue = [], deque(things)
        while queue:
            thing = queue.popleft()
            data = part_of(thing, "data")
            if thing.get("kind") == "more":
                self._note(data)
            elif thing.get("kind") == COMMENT:
                found.append(data)
                queue.extend(parts_of(part_of(data.get("replies"), "data"), "children"))
        return found

    def _note(self, more: dict[str, Any]) -> None:
        """What was left out: comments by their ids, or the answers to one ("continue this thread")."""
        children = more.get("children")
        if isinstance(children, list) and children:
            self._left.extend(each for each in children if isinstance(each, str) and each.isalnum())
        elif isinstance(parent := more.get("parent_id"), str) and parent.startswith(COMMENT):
            self._deeper.append(parent.partition("_")[2])
