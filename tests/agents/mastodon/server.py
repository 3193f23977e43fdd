"""A local Mastodon instance: REST pages with Link headers, searches, accounts, WebSocket and SSE streams."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web

from tests.agents.mastodon.documents import BARE, Document, iso
from tests.agents.mastodon.streams import Streams

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOKEN = "t0ken"
LIMIT = 300


class Server(Streams):
    """``async with Server() as server``: ``server.url`` is an instance's ``url``.

    ``requests`` counts paths, ``times`` has the moments of requests by ``clock``. ``answers`` are given in
    turn instead of pages. ``token`` is what must be sent; empty: none.
    """

    def __init__(self, clock: Any = None, token: str = "", name: str = "") -> None:
        super().__init__()
        self.now = NOON
        self.clock = clock or (lambda: self.now)
        self.token = token
        self.name = name
        self.statuses: dict[int, Document] = {}
        self.accounts: dict[str, Document] = {}
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.old = False
        """An instance of before Mastodon 4.3."""
        self.broken: set[str] = set()
        """The statuses whose context is an error."""
        self.unreadable: set[str] = set()
        """Those that are an error themselves, and every list with them."""
        self.limited: set[str] = set()
        """Those that no list of several shows, as of authors whom the moderators have limited."""
        self.replaced = False
        """Something else stands there, which knows no path."""
        self.by_id: list[web.Response] = []
        """Given in turn to who asks for several statuses."""
        self.remaining: int | None = None
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._number = 0

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._checked])
        get = app.router.add_get
        get("/api/v2/instance", self._instance)
        get("/api/v1/timelines/public", self._public)
        get("/api/v1/timelines/tag/{tag}", self._tag)
        get("/api/v1/accounts/lookup", self._lookup)
        get("/api/v1/accounts/{id}/statuses", self._account)
        get("/api/v1/statuses", self._several)
        get("/api/v1/statuses/{id}", self._one)
        get("/api/v1/statuses/{id}/context", self._context)
        get("/api/v2/search", self._search)
        get("/api/v1/streaming", self._socket)
        get("/api/v1/streaming/{name:.+}", self._events)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self.hang_up()
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    @property
    def host(self) -> str:
        return self.name or self.url.removeprefix("http://")

    def account(self, handle: str = "anna", **fields: Any) -> Document:
        """An account; ``user@host`` is one of another server."""
        user, _, elsewhere = handle.partition("@")
        if handle not in self.accounts:
            self.accounts[handle] = {
                "id": str(100 + len(self.accounts)),
                "username": user,
                "acct": handle,
                "display_name": user.title(),
                "locked": False,
                "bot": False,
                "created_at": "2022-01-01T00:00:00.000Z",
                "note": "<p>О себе</p>",
                "url": f"https://{elsewhere or self.host}/@{user}",
                "uri": f"https://{elsewhere or self.host}/users/{user}",
                "followers_count": 12,
                "fields": [],
            }
        self.accounts[handle] |= fields
        return self.accounts[handle]

    def publish(
        self,
        text: str = "",
        *,
        by: str = "anna",
        at: datetime | None = None,
        tell: bool = True,
        **fields: Any,
    ) -> Document:
        """A new status, also told to the streams; ``text`` is put into a paragraph."""
        self._number += 1
        moment = at or self.clock()
        number = (int(moment.timestamp() * 1000) << 16) + self._number % 65536
        account = self.account(by)
        home = account["uri"]
        status: Document = {
            "id": str(number),
            "uri": f"{home}/statuses/{number}",
            "url": f"{account['url']}/{number}",
            "created_at": iso(moment),
            "edited_at": None,
            "visibility": "public",
            "language": "ru",
            "replies_count": 0,
            "reblogs_count": 1,
            "favourites_count": 2,
            "content": f"<p>{text}</p>" if text else "",
            **BARE,
            "account": account,
            "tags": [{"name": w[1:].lower(), "url": ""} for w in text.split() if w.startswith("#")],
            **fields,
        }
        self.statuses[number] = status
        if tell:
            self._tell("update", status)
        return status

    def answer(self, to: Document, text: str, *, by: str = "ivan@far.example", **fields: Any) -> Document:
        """A new status under another one, which counts it."""
        to["replies_count"] += 1
        above = {"in_reply_to_id": to["id"], "in_reply_to_account_id": to["account"]["id"]}
        return self.publish(text, by=by, **above, **fields)

    def edit(self, status: Document, text: str, *, tell: bool = True) -> None:
        status |= {"content": f"<p>{text}</p>", "edited_at": iso(self.clock())}
        if tell:
            self._tell("status.update", status)

    def delete(self, status: Document, *, tell: bool = True) -> None:
        del self.statuses[int(status["id"])]
        if tell:
            self._tell("delete", status, payload=status["id"])

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests[request.path] += 1
        self.times.append(self.clock())
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "The access token is invalid"}, status=401)
        if self.replaced:
            return web.Response(status=404, text="404 page not found")
        if self.answers and "streaming" not in request.path and request.path != "/api/v2/instance":
            return self.answers.pop(0)
        response: web.StreamResponse = await handler(request)
        if self.remaining is not None and not response.prepared:
            self.remaining = max(0, self.remaining - 1)
            response.headers["X-RateLimit-Limit"] = str(LIMIT)
            response.headers["X-RateLimit-Remaining"] = str(self.remaining)
            response.headers["X-RateLimit-Reset"] = iso(self.clock() + timedelta(seconds=100))
        return response

    async def _instance(self, _request: web.Request) -> web.Response:
        url = self.url.replace("http", "ws")
        return web.json_response({"domain": self.host, "configuration": {"urls": {"streaming": url}}})

    def _page(self, request: web.Request, found: list[Document]) -> web.Response:
        query, limit = request.query, min(int(request.query.get("limit", 20)), 40)
        low, high = int(query.get("min_id", 0)), int(query.get("max_id", 1 << 70))
        inside = [each for each in found if low < int(each["id"]) < high]
        inside.sort(key=lambda each: int(each["id"]))
        page = (inside[:limit] if "min_id" in query else inside[-limit:])[::-1]
        headers = {}
        if page:
            link = f"{self.url}{request.path}"
            older, newer = urlencode({"max_id": page[-1]["id"]}), urlencode({"min_id": page[0]["id"]})
            headers["Link"] = f'<{link}?{older}>; rel="next", <{link}?{newer}>; rel="prev"'
        return web.json_response(page, headers=headers)

    async def _public(self, request: web.Request) -> web.Response:
        name = next((f"public:{each}" for each in ("local", "remote") if each in request.query), "public")
        return self._page(request, [e for e in self.statuses.values() if self._belongs(e, name, "")])

    async def _tag(self, request: web.Request) -> web.Response:
        tag = request.match_info["tag"]
        return self._page(request, [e for e in self.statuses.values() if self._belongs(e, "hashtag", tag)])

    async def _lookup(self, request: web.Request) -> web.Response:
        account = self.accounts.get(request.query["acct"])
        return web.json_response(account) if account else _missing()

    async def _account(self, request: web.Request) -> web.Response:
        mine = [e for e in self.statuses.values() if e["account"]["id"] == request.match_info["id"]]
        return self._page(request, mine)

    async def _several(self, request: web.Request) -> web.Response:
        if self.by_id:
            return self.by_id.pop(0)
        if self.old:
            return _missing()
        wanted = request.query.getall("id[]")
        if len(wanted) > 20:
            return web.json_response({"error": "Too many statuses"}, status=422)
        if self.unreadable & {*wanted}:
            return web.Response(status=500)
        shown = [e for e in wanted if int(e) in self.statuses and e not in self.limited]
        return web.json_response([self.statuses[int(e)] for e in shown])

    async def _one(self, request: web.Request) -> web.Response:
        if request.match_info["id"] in self.unreadable:
            return web.Response(status=500)
        status = self.statuses.get(int(request.match_info["id"]))
        return web.json_response(status) if status else _missing()

    async def _context(self, request: web.Request) -> web.Response:
        status = self.statuses.get(int(request.match_info["id"]))
        if status is None:
            return _missing()
        if status["id"] in self.broken:
            return web.Response(status=500)
        above, below = [status], [status]
        while (parent := self.statuses.get(int(above[0]["in_reply_to_id"] or 0))) is not None:
            above.insert(0, parent)
        for each in below:
            below += [other for other in self.statuses.values() if other["in_reply_to_id"] == each["id"]]
        return web.json_response({"ancestors": above[:-1], "descendants": below[1:]})

    async def _search(self, request: web.Request) -> web.Response:
        if request.query["type"] == "accounts":
            known = self.accounts.get(request.query["q"].removeprefix("@"))
            return web.json_response({"accounts": [known] if known else []})
        words, low = request.query["q"].strip('"').lower(), int(request.query.get("min_id", 0))
        found = [e for e in self.statuses.values() if words in e["content"].lower() and int(e["id"]) > low]
        found.sort(key=lambda each: -int(each["id"]))
        begin = int(request.query.get("offset", 0))
        return web.json_response({"statuses": found[begin : begin + int(request.query["limit"])]})


def _missing() -> web.Response:
    return web.json_response({"error": "Record not found"}, status=404)
