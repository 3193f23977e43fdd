"""A local Hacker News: Algolia's search by date, and the items and updates of Firebase."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tests.agents.discussions.serving import LocalSite

MOST: int = 1000
"""Results that the search gives of a question, however it is paged."""


class Server(LocalSite):
    """``publish`` and ``comment`` write, ``change`` edits, deletes and hides."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[int, dict[str, Any]] = {}
        self.updated: list[tuple[int, int]] = []
        """When, and what."""
        self.unsynced: set[int] = set()
        """Items that Firebase does not have yet."""

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/api/v1/search_by_date", self._search)
        app.router.add_get("/v0/item/{number}.json", self._item)
        app.router.add_get("/v0/updates.json", self._updates)

    def publish(self, title: str = "", text: str = "", *, kind: str = "story", **fields: Any) -> int:
        """A story, a job or a poll."""
        told = {"type": kind, "title": title, "by": "pg", "score": 1, "descendants": 0}
        return self._add({**told, **({"text": text} if text else {}), **fields})

    def comment(self, parent: int, text: str, **fields: Any) -> int:
        """An answer to a story or a comment."""
        number = self._add({"type": "comment", "by": "sama", "text": text, "parent": parent, **fields})
        self.items[parent].setdefault("kids", []).append(number)
        story = self.items[self.root(number)]
        story["descendants"] = story.get("descendants", 0) + 1
        self.updated += [(self.seconds, parent), (self.seconds, number)]
        return number

    def change(self, number: int, **fields: Any) -> None:
        self.items[number].update(fields)
        self.updated.append((self.seconds, number))

    def root(self, number: int) -> int:
        while (parent := self.items[number].get("parent")) is not None:
            number = parent
        return number

    def _add(self, fields: dict[str, Any]) -> int:
        number = 40_000_000 + len(self.items)
        self.items[number] = {"id": number, "time": self.seconds, **fields}
        return number

    async def _item(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        item = None if number in self.unsynced else self.items.get(number)
        if item and item.get("deleted"):
            item = {
                key: item[key] for key in ("id", "type", "time", "deleted", "parent", "kids") if key in item
            }
        return web.json_response(item)

    async def _updates(self, _: web.Request) -> web.Response:
        lately = [number for at, number in self.updated if self.seconds - at < 150]
        return web.json_response({"items": lately[-50:], "profiles": ["pg"]})

    async def _search(self, request: web.Request) -> web.Response:
        asked = request.query
        low, high = (int(number) for number in re.findall(r"\d+", asked["numericFilters"].replace("_i", "")))
        words = asked.get("query", "").strip('"').lower()
        found = [
            self._hit(item)
            for item in self.items.values()
            if low <= item["time"] < high and not item.get("deleted") and not item.get("dead")
            if words in f"{item.get('title', '')} {item.get('text', '')} {item.get('url', '')}".lower()
            if self._tagged(item, asked["tags"])
        ]
        found.sort(key=lambda hit: hit["created_at_i"], reverse=True)
        size, page = int(asked.get("hitsPerPage", 20)), int(asked.get("page", 0))
        shown = found[:MOST][page * size : (page + 1) * size]
        pages = -(-min(len(found), MOST) // size)
        return web.json_response(
            {"hits": shown, "nbHits": len(found), "page": page, "nbPages": pages, "hitsPerPage": size}
        )

    def _tagged(self, item: dict[str, Any], tags: str) -> bool:
        """Whether it has all tags; of those in brackets one will do."""
        tags = tags.partition("(")[0].rstrip(",")
        return {each for each in tags.split(",") if each} <= set(self._hit(item)["_tags"])

    def _hit(self, item: dict[str, Any]) -> dict[str, Any]:
        comment = item["type"] == "comment"
        return {
            "objectID": str(item["id"]),
            "author": item.get("by"),
            "created_at_i": item["time"],
            "title": None if comment else item.get("title"),
            "url": item.get("url"),
            "comment_text": item.get("text", "") if comment else None,
            "story_text": None if comment else item.get("text"),
            "story_id": self.root(item["id"]),
            "parent_id": item.get("parent"),
            "points": item.get("score"),
            "num_comments": item.get("descendants"),
            "_tags": [item["type"], f"author_{item.get('by')}", f"story_{self.root(item['id'])}"],
            "_highlightResult": {},
        }
