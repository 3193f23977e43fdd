"""The methods of the local VK, as documented for version 5.199: parameters as text in, objects out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.agents.vk.world import Object, World

MOST_FOUND = 1000
WRONG = "One of the parameters specified was missing or invalid"
Params = Mapping[str, Any]


class VkError(Exception):
    """An error of VK with its code."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message or f"error {code}"


class Methods:
    """Answers by method; ``search_delay``: seconds after which a search finds a post."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.search_delay = 0
        self.found_pages: int = 200

    def answer(self, method: str, params: Params, now: int) -> Any:
        match method:
            case "wall.get":
                return self._wall(params)
            case "wall.getById":
                return self._posts(params)
            case "wall.getComments":
                return self._comments(params)
            case "newsfeed.search":
                return self._search(params, now)
            case "newsfeed.getMentions":
                return self._mentions(params)
            case "utils.resolveScreenName":
                return self._named(str(params["screen_name"]))
            case "users.get":
                return [
                    self.world.people[each] for each in _ids(params["user_ids"]) if each in self.world.people
                ]
            case "groups.getById":
                ids = [each for each in _ids(params["group_ids"]) if each in self.world.groups]
                return {"groups": [self.world.groups[each] for each in ids], "profiles": []}
        raise VkError(3, "Unknown method passed")

    def _wall(self, params: Params) -> Object:
        wall = self.world.walls.get(int(params["owner_id"]))
        if wall is None:
            raise VkError(
                100, "One of the parameters specified was missing or invalid: owner_id is undefined"
            )
        if wall.closed:
            raise VkError(wall.closed, "Access denied: this wall is closed")
        posts = sorted(wall.posts.values(), key=lambda each: (each["date"], each["id"]), reverse=True)
        posts.sort(key=lambda each: not each.get("is_pinned"))
        offset, count = int(params.get("offset", 0)), min(int(params.get("count", 20)), 100)
        items = posts[offset : offset + count]
        return {"count": len(posts), "items": items, **self.world.who(items)}

    def _posts(self, params: Params) -> Object:
        items = []
        for name in str(params["posts"]).split(",")[:100]:
            owner, number = map(int, name.split("_"))
            wall = self.world.walls.get(owner)
            if wall is not None and not wall.closed and number in wall.posts:
                items.append(wall.posts[number])
        return {"items": items, **self.world.who(items)}

    def _comments(self, params: Params) -> Object:
        wall = self.world.walls[int(params["owner_id"])]
        post = int(params["post_id"])
        if wall.closed or wall.posts.get(post, {}).get("comments_closed"):
            raise VkError(wall.closed or 212, "Access to post comments denied")
        listed = sorted(wall.comments.get(post, {}).values(), key=lambda each: each["id"])
        under, shown = int(params.get("comment_id", 0)), int(params.get("thread_items_count", 0))
        level = [each for each in listed if each["parents_stack"] == ([under] if under else [])]
        offset, count = int(params.get("offset", 0)), min(int(params.get("count", 10)), 100)
        items = []
        for each in level[offset : offset + count]:
            thread = [other for other in listed if other["parents_stack"] == [each["id"]]]
            framed = {
                "count": len(thread),
                "items": thread[:shown],
                "can_post": True,
                "show_reply_button": True,
            }
            items.append(each if under else {**each, "thread": framed})
        found = {"count": len(listed), "current_level_count": len(level), "can_post": True, "items": items}
        return {**found, "show_reply_button": True, **self.world.who(items)}

    def _search(self, params: Params, now: int) -> Object:
        words = str(params["q"]).casefold()
        start, end = int(params.get("start_time", 0)), int(params.get("end_time", now))
        known = [
            each
            for each in self.world.everything()
            if start <= each["date"] <= end
            and each["date"] + self.search_delay <= now
            and words in each["text"].casefold()
        ]
        place = str(params.get("start_from", "0/")).partition("/")[0]
        if not place.isdecimal():
            raise VkError(
                100, "One of the parameters specified was missing or invalid: start_from is invalid"
            )
        offset, size = int(place), min(int(params.get("count", 30)), self.found_pages)
        items = known[:MOST_FOUND][offset : offset + size]
        found = {"items": items, "count": min(len(known), MOST_FOUND), "total_count": len(known)}
        if offset + size < min(len(known), MOST_FOUND):
            found["next_from"] = f"{offset + size}/{items[-1]['owner_id']}_{items[-1]['id']}"
        return {**found, "suggested_queries": [], **self.world.who(items)}

    def _mentions(self, params: Params) -> Object:
        owner = int(params["owner_id"])
        sign = re.compile(rf"\[(?:id|club|public){abs(owner)}\|")
        start, end = int(params["start_time"]), int(params["end_time"])
        known = [
            each
            for each in self.world.everything()
            if sign.search(each["text"]) and start <= each["date"] <= end
        ]
        offset, count = int(params.get("offset", 0)), min(int(params.get("count", 20)), 50)
        items = known[offset : offset + count]
        return {"count": len(known), "items": items, **self.world.who(items)}

    def _named(self, name: str) -> Any:
        for kind, known in (("user", self.world.people), ("group", self.world.groups)):
            for number, each in known.items():
                if each["screen_name"] == name:
                    return {"type": kind, "object_id": number}
        return []


def _ids(text: Any) -> list[int]:
    return [int(each) for each in str(text).split(",")]


def calls_of(code: str) -> list[tuple[str, Params]]:
    """The calls of a VKScript of the form ``return [API.a.b({...}),...];``.

    Raises:
        VkError: 12, it is none.
    """
    if not (code.startswith("return [") and code.endswith("];")):
        raise VkError(12, "Unable to compile code")
    rest, found = code.removeprefix("return [").removesuffix("];"), []
    while rest:
        begin = re.match(r",?API\.(\w+\.\w+)\(", rest)
        if begin is None:
            raise VkError(12, "Unable to compile code: unexpected token")
        params, length = json.JSONDecoder().raw_decode(rest[begin.end() :])
        rest = rest[begin.end() + length :]
        if not rest.startswith(")"):
            raise VkError(12, "Unable to compile code: expected )")
        rest = rest[1:]
        found.append((begin[1], params))
    return found
