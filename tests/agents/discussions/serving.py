"""The beginning of a local platform over HTTP: its clock, what it was asked, answers given in turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class LocalSite(ABC):
    """``async with Server() as server``: ``server.url`` is its address.

    ``requests`` counts paths, ``times`` has the moments of requests by ``clock``. ``answers`` are given in
    turn instead of what was asked for, for paths that begin with ``spoiled``.
    """

    def __init__(self) -> None:
        self.now = NOON
        self.clock: Callable[[], datetime] = lambda: self.now
        self.requests: Counter[str] = Counter()
        self.times: list[datetime] = []
        self.answers: list[web.Response] = []
        self.spoiled = "/"
        self.poison: Callable[[web.Request], web.Response | None] = lambda request: None
        """What is answered instead, each time that it is asked for; None: nothing."""
        self.before: Callable[[web.Request], None] | None = None
        """Called before each answer: the place for what happens while something is read."""
        self.url = ""
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def routes(self, app: web.Application) -> None:
        """Add what the platform answers."""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._noted])
        self.routes(app)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many are open."""
        assert self._runner is not None and self._runner.server is not None
        return len(self._runner.server.connections)

    @property
    def seconds(self) -> int:
        """The present as Unix seconds."""
        return int(self.now.timestamp())

    @web.middleware
    async def _noted(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests[request.path] += 1
        self.times.append(self.clock())
        self.now = max(self.now, self.clock())
        if self.before is not None:
            self.before(request)
        if self.answers and request.path.startswith(self.spoiled):
            return self.answers.pop(0)
        if (poisoned := self.poison(request)) is not None:
            return poisoned
        return await handler(request)
