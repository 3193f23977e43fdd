"""A local Bluesky: Jetstream's stream with replay from a cursor, the AppView's questions, a login."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.agents.bluesky.stream import Document, Jetstream, iso, tid
from tests.agents.bluesky.threads import Threads

POST = "app.bsky.feed.post"
PASSWORD = "abcd-efgh"


class Server(Threads, Jetstream):
    """``async with Server() as server``: ``server.socket`` is a Jetstream, ``server.url`` the AppView.

    ``requests`` counts paths, ``times`` has the moments of requests by ``clock``, ``answers``
    are given in turn instead of the AppView's. ``skew`` is how far its clock is ahead.
    """

    def __init__(self, clock: Any = None) -> None:
        super().__init__(clock)
        self.requests: Counter[str] = Counter()
        self.asked: list[dict[str, list[str]]] = []
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.failing: set[str] = set()
        """Methods that give HTTP 500."""
        self.skew = timedelta()
        self.private_search = False
        self.session = 0
        self.session_ends_after: int | None = None  # searches that it still answers
        self.page = 100
        self.url = self.socket = ""
        self._runner: web.AppRunner | None = None
        self._number = 0

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._counted])
        app.router.add_get("/subscribe", self._subscribe)
        app.router.add_get("/xrpc/app.bsky.actor.getProfiles", self._profiles)
        app.router.add_get("/xrpc/app.bsky.feed.getAuthorFeed", self._feed)
        app.router.add_get("/xrpc/app.bsky.feed.searchPosts", self._search)
        app.router.add_get("/xrpc/app.bsky.feed.getPosts", self._posts)
        app.router.add_get("/xrpc/app.bsky.feed.getPostThread", self._thread)
        app.router.add_post("/xrpc/com.atproto.server.createSession", self._log_in)
        app.router.add_post("/xrpc/com.atproto.server.refreshSession", self._renew)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        self.socket = self.url.replace("http", "ws")
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

    def account(self, name: str, **fields: Any) -> str:
        """The DID of ``name``.bsky.social."""
        did = f"did:plc:{name.lower():x<24}"
        self.profiles.setdefault(
            did,
            {
                "did": did,
                "handle": f"{name}.bsky.social",
                "displayName": name.title(),
                "description": "О себе",
                "followersCount": 12,
                "createdAt": "2024-01-01T00:00:00.000Z",
                "labels": [],
            },
        )
        self.profiles[did] |= fields
        return did

    def publish(
        self,
        text: str = "",
        *,
        by: str = "anna",
        tell: bool = True,
        at: datetime | None = None,
        **fields: Any,
    ) -> str:
        """A new post; its URI."""
        record = {
            "$type": POST,
            "createdAt": iso(at or self.clock()),
            "langs": ["ru"],
            "text": text,
            **fields,
        }
        collection = record["$type"] if record["$type"].startswith("app.bsky.feed") else POST
        return self.commit("create", self.account(by), record, collection=collection, tell=tell)

    def answer(self, to: str, text: str, *, by: str = "anna", **fields: Any) -> str:
        """A new post under another one; its URI."""
        above = self.records[to]["record"].get("reply")
        root = above["root"] if above else {"uri": to, "cid": "x"}
        return self.publish(text, by=by, reply={"parent": {"uri": to, "cid": "x"}, "root": root}, **fields)

    def commit(
        self,
        operation: str,
        did: str,
        record: Any = None,
        *,
        key: str = "",
        collection: str = POST,
        tell: bool = True,
    ) -> str:
        self._number += 1
        time_us = self._time_us()
        key = key or tid(time_us)
        uri, cid = f"at://{did}/{collection}/{key}", f"bafyrei{self._number:052d}"
        commit: Document = {
            "rev": tid(time_us),
            "operation": operation,
            "collection": collection,
            "rkey": key,
        }
        if operation == "delete":
            self.records.pop(uri, None)
        else:
            commit |= {"record": record, "cid": cid}
            self.records[uri] = {"uri": uri, "cid": cid, "record": record, "indexedAt": iso(self.clock())}
        self.tell({"did": did, "time_us": time_us, "kind": "commit", "commit": commit}, tell=tell)
        return uri

    def edit(self, uri: str, text: str) -> None:
        did, collection, key = uri.removeprefix("at://").split("/")
        record = {**self.records[uri]["record"], "text": text}
        self.commit("update", did, record, key=key, collection=collection)

    def delete(self, uri: str) -> None:
        did, collection, key = uri.removeprefix("at://").split("/")
        self.commit("delete", did, key=key, collection=collection)

    def rename(self, name: str, handle: str) -> None:
        did = self.account(name, handle=handle)
        self.tell(
            {
                "did": did,
                "time_us": self._time_us(),
                "kind": "identity",
                "identity": {"did": did, "handle": handle},
            }
        )

    def close_account(self, name: str, status: str = "deleted") -> None:
        did = self.account(name)
        account = {"active": False, "did": did, "seq": 1, "status": status, "time": iso(self.clock())}
        self.tell({"did": did, "time_us": self._time_us(), "kind": "account", "account": account})
        del self.profiles[did]

    def _time_us(self) -> int:
        self._number += 1
        return int((self.clock() + self.skew).timestamp() * 1_000_000) + self._number

    @web.middleware
    async def _counted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests[request.path.removeprefix("/xrpc/")] += 1
        if request.path != "/subscribe":
            self.times.append(self.clock())
            self.asked.append({key: request.query.getall(key) for key in request.query})
            if self.answers:
                return self.answers.pop(0)
            if request.path.removeprefix("/xrpc/") in self.failing:
                return web.Response(status=500)
        response: web.StreamResponse = await handler(request)
        return response

    async def _profiles(self, request: web.Request) -> web.Response:
        actors = request.query.getall("actors")
        if len(actors) > 25:
            return web.json_response({"error": "InvalidRequest"}, status=400)
        found = [each for each in self.profiles.values() if {each["did"], each["handle"]} & set(actors)]
        return web.json_response({"profiles": found})

    def _paged(
        self, request: web.Request, views: list[Document], most: int
    ) -> tuple[list[Document], Document]:
        begin = int(request.query.get("cursor", 0))
        end = begin + min(self.page, int(request.query["limit"]))
        return views[begin:end], {"cursor": str(end)} if end < min(len(views), most) else {}

    async def _feed(self, request: web.Request) -> web.Response:
        mine = [uri for uri in self.records if uri.startswith(f"at://{request.query['actor']}/{POST}/")]
        found, following = self._paged(request, self._views(mine), 1 << 30)
        return web.json_response({"feed": [{"post": each} for each in found], **following})

    def _expire(self) -> None:
        if self.session_ends_after is not None:
            self.session_ends_after -= 1
            if self.session_ends_after < 0:
                self.session, self.session_ends_after = self.session + 1, None

    async def _search(self, request: web.Request) -> web.Response:
        self._expire()
        if self.private_search and request.headers.get("Authorization") != f"Bearer access{self.session}":
            if "Authorization" in request.headers:
                return web.json_response({"error": "ExpiredToken"}, status=400)
            return web.Response(status=403, text="<html>Forbidden</html>", content_type="text/html")
        words, query = request.query["q"].strip('"').lower(), request.query
        views = [
            view
            for view in self._views([uri for uri in self.records if f"/{POST}/" in uri])
            if words in view["record"]["text"].lower()
            and query["since"] <= view["indexedAt"] < query["until"]
        ]
        found, following = self._paged(request, views, 2 * self.page)
        return web.json_response({"posts": found, **following})

    async def _log_in(self, request: web.Request) -> web.Response:
        if (await request.json())["password"] != PASSWORD:
            return web.json_response({"error": "AuthenticationRequired"}, status=401)
        return self._begun()

    async def _renew(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer renewal{self.session - 1}":
            return web.json_response({"error": "ExpiredToken"}, status=400)
        return web.json_response(
            {"accessJwt": f"access{self.session}", "refreshJwt": f"renewal{self.session}"}
        )

    def _begun(self) -> web.Response:
        self.session += 1
        return web.json_response(
            {"accessJwt": f"access{self.session}", "refreshJwt": f"renewal{self.session}"}
        )
