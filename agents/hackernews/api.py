"""The two public interfaces of Hacker News: Algolia's search, and Y Combinator's items on Firebase."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agents.base import SourceUnavailable
from agents.discussions.posting import count_of
from agents.hackernews.options import Options
from agents.web import Unusable, Web

PAGE: Final = 500
"""Results that are asked for at once; a window of time that has more is halved."""
JSON: Final = ("application/json", "text/json")
OK: Final = 200
KINDS: Final = ("story", "comment", "poll", "job")

Item = dict[str, Any]


class Query(NamedTuple):
    """What is searched for; ``key`` is its name in cursors, ``whole`` keeps all that is found."""

    key: str
    words: str = ""
    tags: str = "(story,comment,poll,job)"
    whole: bool = True


class Hits(NamedTuple):
    """Results of a window of time, the newest first; ``total`` is how many there are."""

    items: list[Item]
    total: int


class Api:
    """Asks both."""

    def __init__(self, options: Options, web: Web) -> None:
        self._options = options
        self._web = web

    async def hits(self, query: Query, since: int, until: int, page: int = 0) -> Hits:
        """What was written from ``since`` to before ``until``, Unix seconds.

        Raises:
            SourceUnavailable: no answer, or one that cannot be used.
        """
        found = await self._document(
            f"{self._options.search_api}/api/v1/search_by_date",
            {
                "query": f'"{query.words}"' if query.words else None,
                "tags": query.tags,
                "numericFilters": f"created_at_i>={since},created_at_i<{until}",
                "hitsPerPage": PAGE,
                "page": page or None,
            },
        )
        listed = found.get("hits") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise Unusable("the search of Hacker News gave no `hits`")
        items = [each for each in listed if isinstance(each, dict) and _number(each.get("objectID"))]
        return Hits(items, max(count_of(found.get("nbHits")) or 0, len(listed)))

    async def item(self, number: int) -> Item | None:
        """An item; None where Firebase does not know it (yet). Raises as `hits`."""
        found = await self._document(f"{self._options.items_api}/v0/item/{number}.json")
        if found is None:
            return None
        if not isinstance(found, dict) or _number(found.get("id")) != number:
            raise Unusable(f"Hacker News gave something else than the item {number}")
        return found

    async def updates(self) -> list[int]:
        """The items that changed in the last minutes. Raises as `hits`."""
        found = await self._document(f"{self._options.items_api}/v0/updates.json")
        listed = found.get("items") if isinstance(found, dict) else None
        return [number for each in listed if (number := _number(each))] if isinstance(listed, list) else []

    async def _document(self, url: str, params: dict[str, Any] | None = None) -> Any:
        reply = await self._web.get(url, params=params, accept=JSON)
        if reply.status != OK:
            raise SourceUnavailable(f"{url}: HTTP {reply.status}")
        return reply.json()


def _number(value: object) -> int:
    """An item's number; 0 for what is none."""
    number = count_of(value)
    return number if number is not None and number < 1 << 53 else 0


def item_of_hit(hit: Item) -> Item:
    """A result of the search in the form of an item."""
    tags = hit.get("_tags")
    kinds = [each for each in tags if each in KINDS] if isinstance(tags, list) else []
    return {
        "id": _number(hit.get("objectID")),
        "type": kinds[0] if kinds else "comment" if hit.get("comment_text") else "story",
        "by": hit.get("author"),
        "time": hit.get("created_at_i"),
        "title": hit.get("title"),
        "url": hit.get("url"),
        "text": hit.get("comment_text") or hit.get("story_text"),
        "score": hit.get("points"),
        "descendants": hit.get("num_comments"),
        "parent": hit.get("parent_id"),
    }


def root_of_hit(hit: Item) -> int:
    """The story that a result belongs to; itself where it is one; 0 where it is not told."""
    if hit.get("comment_text") is None and hit.get("parent_id") is None:
        return _number(hit.get("objectID"))
    return _number(hit.get("story_id"))
