"""A local ``api.vk.com``: methods over HTTP with VK's answers and errors, and ``execute``."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.agents.vk.methods import Methods, Params, VkError, calls_of
from tests.agents.vk.world import Object, World

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
VERSION = "5.199"
MOST_CALLS = 25


class Server:
    """``async with Server() as vk``: ``vk.url`` is what ``api`` is set to.

    Attributes:
        tokens: valid ones, with the methods that each may not ask.
        requests: how often each method was asked over HTTP; ``calls`` counts those of ``execute`` as well.
        times: (token, moment by ``clock``) of each request.
        failures: errors that are given in turn instead of answers, by method.
        silent: so many requests are not answered at all.
        answers: HTTP answers that are given in turn instead of all others.
        before: called with each method before it is answered: to let things happen between two pages.
        quota: how many calls of a method one token has left; then error 29.
        heaviest: how many calls one ``execute`` may make before error 13.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or (lambda: NOON)
        self.world = World(lambda: int(self.clock().timestamp()))
        self.methods = Methods(self.world)
        self.tokens: dict[str, set[str]] = {"user-token": set()}
        self.requests: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.times: list[tuple[str, datetime]] = []
        self.failures: dict[str, list[int]] = {}
        self.answers: list[web.Response] = []
        self.silent = 0
        self._ended = asyncio.Event()
        self.before: Callable[[str, Params], None] = lambda method, params: None
        self.quota: dict[tuple[str, str], int] = {}
        self.heaviest = MOST_CALLS
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/method/{method}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._ended.set()
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    def publish(self, owner: int, text: str = "", **fields: Any) -> Object:
        """A new post on a wall; see `World.post`."""
        return self.world.post(owner, text, **fields)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        form = {key: str(value) for key, value in (await request.post()).items()}
        token = form.pop("access_token", "")
        self.requests[method] += 1
        self.times.append((token, self.clock()))
        if self.silent:
            self.silent -= 1
            await self._ended.wait()
        if self.answers:
            return self.answers.pop(0)
        try:
            if form.pop("v", "") != VERSION:
                raise VkError(8, "Invalid request: v is required")
            self._allow(token, method)
            if method == "execute":
                return _json(self._execute(form["code"], token))
            return _json({"response": self._one(method, form, token)})
        except VkError as error:
            asked = [{"key": key, "value": value} for key, value in form.items()]
            return _json({"error": {**_told(error), "request_params": asked}})

    def _execute(self, code: str, token: str) -> Object:
        calls = calls_of(code)
        if len(calls) > min(MOST_CALLS, self.heaviest):
            raise VkError(13, "Runtime error occurred during code invocation: Too many operations")
        answers: list[Any] = []
        failures = []
        for method, params in calls:
            try:
                answers.append(self._one(method, params, token))
            except VkError as error:
                answers.append(False)
                failures.append({"method": method, **_told(error)})
        return {"response": answers, **({"execute_errors": failures} if failures else {})}

    def _one(self, method: str, params: Params, token: str) -> Any:
        self.before(method, params)
        self.calls[method] += 1
        self._allow(token, method)
        left = self.quota.get((token, method))
        if left is not None:
            if left <= 0:
                raise VkError(29, "Rate limit reached")
            self.quota[token, method] = left - 1
        return self.methods.answer(method, params, int(self.clock().timestamp()))

    def _allow(self, token: str, method: str) -> None:
        if token not in self.tokens:
            raise VkError(5, "User authorization failed: invalid access_token (4).")
        if method in self.tokens[token]:
            raise VkError(28, "Application authorization failed: method is unavailable with service token.")
        if self.failures.get(method):
            raise VkError(self.failures[method].pop(0))


def _told(error: VkError) -> Object:
    return {"error_code": error.code, "error_msg": error.message}


def _json(body: Any) -> web.Response:
    return web.Response(text=json.dumps(body, ensure_ascii=False), content_type="application/json")
