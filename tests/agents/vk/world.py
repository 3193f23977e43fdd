"""What the local VK knows: walls with posts and comments, people, communities. Objects of VK's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Object = dict[str, Any]


class Wall:
    """A wall; ``closed`` is the error code with which it is refused."""

    def __init__(self) -> None:
        self.posts: dict[int, Object] = {}
        self.comments: dict[int, dict[int, Object]] = {}
        self.number = 0
        self.closed = 0


class World:
    """``now`` gives Unix seconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.walls: dict[int, Wall] = {}
        self.people: dict[int, Object] = {}
        self.groups: dict[int, Object] = {}

    def group(self, number: int, screen_name: str, name: str = "", **fields: Any) -> int:
        """A community; gives its owner id, which is negative."""
        self.groups[number] = {
            "id": number,
            "name": name or screen_name,
            "screen_name": screen_name,
            "is_closed": 0,
            "type": "group",
            "verified": 0,
            "members_count": 1234,
            "photo_50": "https://sun1.userapi.com/g.jpg",
            **fields,
        }
        self.walls.setdefault(-number, Wall())
        return -number

    def person(self, number: int, first: str, last: str = "", **fields: Any) -> int:
        self.people[number] = {
            "id": number,
            "first_name": first,
            "last_name": last,
            "screen_name": f"id{number}",
            "verified": 0,
            "can_access_closed": True,
            "is_closed": False,
            **fields,
        }
        self.walls.setdefault(number, Wall())
        return number

    def post(self, owner: int, text: str = "", **fields: Any) -> Object:
        """A new post on a wall."""
        wall = self.walls.setdefault(owner, Wall())
        wall.number += 1
        number = wall.number
        made = {
            "id": number,
            "owner_id": owner,
            "from_id": owner,
            "date": self._now(),
            "marked_as_ads": 0,
            "post_type": "post",
            "text": text,
            "attachments": [],
            "comments": {"can_post": 1, "count": 0, "groups_can_post": True},
            "likes": {"can_like": 1, "count": 3, "user_likes": 0},
            "reposts": {"count": 1, "user_reposted": 0},
            "views": {"count": 100},
            "is_favorite": False,
            "inner_type": "wall_wallpost",
            "hash": "h4sh",
            **fields,
        }
        wall.posts[number] = made
        return made

    def comment(self, post: Object, text: str = "", under: Object | None = None, **fields: Any) -> Object:
        """A comment under a post, or in the thread of another comment."""
        wall = self.walls[post["owner_id"]]
        wall.number += 1
        stack = [] if under is None else [*under["parents_stack"][:1], under["id"]][:1]
        answered = (
            {} if under is None else {"reply_to_comment": under["id"], "reply_to_user": under["from_id"]}
        )
        made = {
            "id": wall.number,
            "from_id": 1,
            "date": self._now(),
            "text": text,
            "post_id": post["id"],
            "owner_id": post["owner_id"],
            "parents_stack": stack,
            "likes": {"can_like": 1, "count": 2, "user_likes": 0, "can_publish": 1},
            **answered,
            **fields,
        }
        wall.comments.setdefault(post["id"], {})[wall.number] = made
        post["comments"]["count"] += 1
        return made

    def uncomment(self, post: Object, comment: Object) -> None:
        """A comment is deleted; one with answers stays as an empty frame."""
        comments = self.walls[post["owner_id"]].comments[post["id"]]
        post["comments"]["count"] -= 1
        if any(comment["id"] in each["parents_stack"] for each in comments.values()):
            comment.update({"deleted": True, "text": "", "from_id": 0})
        else:
            del comments[comment["id"]]

    def everything(self) -> Iterable[Object]:
        """All posts and comments, as searches find them, the newest first."""
        found = [post for wall in self.walls.values() for post in wall.posts.values()]
        for wall in self.walls.values():
            for comments in wall.comments.values():
                found += [{**each, "post_type": "reply"} for each in comments.values()]
        return sorted(found, key=lambda each: (each["date"], each["id"]), reverse=True)

    def who(self, items: Iterable[Object]) -> Object:
        """``profiles`` and ``groups`` of an extended answer."""
        numbers: dict[int, None] = {}
        for item in items:
            for each in (item, *item.get("copy_history", ()), *item.get("thread", {}).get("items", ())):
                numbers |= dict.fromkeys(
                    each[name] for name in ("owner_id", "from_id", "signer_id") if each.get(name)
                )
        return {
            "profiles": [self.people[each] for each in numbers if each in self.people],
            "groups": [self.groups[-each] for each in numbers if -each in self.groups],
        }
