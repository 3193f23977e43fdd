"""A local Reddit: tokens of applications, listings by 100 and 1,000, ``api/info``, trees of comments."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from aiohttp import web

from tests.agents.discussions.serving import LocalSite

DEEPEST: int = 1000


class Server(LocalSite):
    """``publish`` and ``comment`` write; ``things`` has everything by full name."""

    def __init__(self) -> None:
        super().__init__()
        self.things: dict[str, dict[str, Any]] = {}
        self.closed: dict[str, tuple[int, str]] = {}
        """Subreddits and users that answer with a status and a reason."""
        self.unknown: set[str] = set()
        """Subreddits that do not exist."""
        self.tokens = 0
        self.valid: set[str] = set()
        self.agents: set[str] = set()
        self.remaining: tuple[str, str] | None = None
        """What is left of the budget, and when it is renewed, in seconds."""
        self.hidden_in_tree = 0
        """So many of the comments of a tree are left out, to be asked for."""

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/api/v1/access_token", self._token)
        app.router.add_get("/r/{place}/{what}", self._listing)
        app.router.add_get("/user/{place}/{what}", self._listing)
        app.router.add_get("/search", self._listing)
        app.router.add_get("/subreddits/search", self._subreddits)
        app.router.add_get("/api/info", self._info)
        app.router.add_get("/api/morechildren", self._more)
        app.router.add_get("/comments/{number}", self._tree)

    def publish(self, title: str, selftext: str = "", *, place: str = "banki", **fields: Any) -> str:
        name = f"t3_{len(self.things) + 10**6:x}"
        self.things[name] = {
            **self._common(name, place),
            "title": title,
            "selftext": selftext,
            "num_comments": 0,
            "is_self": True,
            **fields,
        }
        return name

    def comment(self, parent: str, body: str, **fields: Any) -> str:
        name = f"t1_{len(self.things) + 10**6:x}"
        root = parent if parent.startswith("t3") else self.things[parent]["link_id"]
        self.things[name] = {
            **self._common(name, self.things[root]["subreddit"]),
            "body": body,
            "parent_id": parent,
            "link_id": root,
            **fields,
        }
        self.things[root]["num_comments"] += 1
        return name

    def _common(self, name: str, place: str) -> dict[str, Any]:
        return {
            "name": name,
            "id": name[3:],
            "author": "petya",
            "author_fullname": "t2_abc",
            "subreddit": place,
            "subreddit_id": f"t5_{place}",
            "created_utc": float(self.seconds),
            "edited": False,
            "ups": 1,
            "score": 1,
            "permalink": f"/r/{place}/comments/{name[3:]}/x/",
        }

    async def _token(self, request: web.Request) -> web.Response:
        login = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if login != "client-id:client-secret":
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        form = await request.post()
        assert form["grant_type"] == "client_credentials"
        self.tokens += 1
        token = f"token-{self.tokens}"
        self.valid = {token}
        return web.json_response(
            {"access_token": token, "token_type": "bearer", "expires_in": 86400, "scope": "*"}
        )

    def _refused(self, request: web.Request) -> web.Response | None:
        self.agents.add(request.headers["User-Agent"])
        if request.headers.get("Authorization", "").removeprefix("bearer ") not in self.valid:
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        place = request.match_info.get("place", "")
        if place in self.closed:
            status, reason = self.closed[place]
            return web.json_response({"message": "no", "error": status, "reason": reason}, status=status)
        return None

    async def _listing(self, request: web.Request) -> web.Response:
        if (refusal := self._refused(request)) is not None:
            return refusal
        place, what = request.match_info.get("place", ""), request.match_info.get("what", "")
        if place in self.unknown:
            raise web.HTTPFound(f"/subreddits/search?q={place}")
        asked = request.query
        words = asked.get("q", "").strip('"').lower()
        by_user = request.path.startswith("/user/")
        found = [
            thing
            for name, thing in reversed(self.things.items())
            if name.startswith("t1" if what == "comments" else "t3")
            and (not place or thing["author" if by_user else "subreddit"] == place)
            and words in f"{thing.get('title', '')} {thing.get('selftext', '')}".lower()
            and not thing.get("removed")
        ][:DEEPEST]
        if after := asked.get("after"):
            names = [thing["name"] for thing in found]
            found = found[names.index(after) + 1 :] if after in names else []
        return self._answer(found[: int(asked.get("limit", 25))])

    async def _subreddits(self, request: web.Request) -> web.Response:
        """Where a subreddit that does not exist leads to: others that are called so."""
        found = {"kind": "t5", "data": {"name": "t5_2qh1i", "display_name": request.query["q"] + "s"}}
        return web.json_response({"kind": "Listing", "data": {"after": None, "children": [found]}})

    async def _info(self, request: web.Request) -> web.Response:
        if (refusal := self._refused(request)) is not None:
            return refusal
        names = request.query["id"].split(",")
        assert len(names) <= 100
        return self._answer([self.things[name] for name in names if name in self.things])

    async def _more(self, request: web.Request) -> web.Response:
        if (refusal := self._refused(request)) is not None:
            return refusal
        things = [self.things[f"t1_{number}"] for number in request.query["children"].split(",")]
        told = {"json": {"errors": [], "data": {"things": [_thing(each) for each in things]}}}
        return web.json_response(told)

    async def _tree(self, request: web.Request) -> web.Response:
        if (refusal := self._refused(request)) is not None:
            return refusal
        root = f"t3_{request.match_info['number']}"
        under = [thing for thing in self.things.values() if thing.get("link_id") == root]
        left = under[len(under) - self.hidden_in_tree :] if self.hidden_in_tree else []
        children = [
            self._nested(each, under) for each in under if each["parent_id"] == root and each not in left
        ]
        if left:
            children.append(
                {"kind": "more", "data": {"children": [each["id"] for each in left], "parent_id": root}}
            )
        first = {"kind": "Listing", "data": {"children": [_thing(self.things[root])]}}
        return web.json_response([first, {"kind": "Listing", "data": {"children": children}}])

    def _nested(self, thing: dict[str, Any], under: list[dict[str, Any]]) -> dict[str, Any]:
        answers = [self._nested(each, under) for each in under if each["parent_id"] == thing["name"]]
        replies: Any = {"kind": "Listing", "data": {"children": answers}} if answers else ""
        return _thing({**thing, "replies": replies})

    def _answer(self, things: list[dict[str, Any]]) -> web.Response:
        headers = {}
        if self.remaining is not None:
            names = ("X-Ratelimit-Remaining", "X-Ratelimit-Reset")
            headers = {"X-Ratelimit-Used": "99", **dict(zip(names, self.remaining, strict=True))}
            self.remaining = None
        data = {
            "after": things[-1]["name"] if things else None,
            "children": [_thing(each) for each in things],
        }
        return web.json_response({"kind": "Listing", "data": data}, headers=headers)


def _thing(data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": data["name"][:2], "data": data}
