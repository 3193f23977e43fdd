"""Connections to the HTTP ingest: how many there may be, and how long one may take to say what it wants.

aiohttp gives a connection its whole keep-alive time for the head of a request, and takes any number of
them; here the head has a deadline of its own, and a flood drives out whoever has waited longest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Middleware

from agents.http.admission import IngestLimits
from agents.http.refusals import Respond

SWEEP_SECONDS = 0.5
"""At most; a quarter of the shortest limit where that is less."""


class Connection(asyncio.Protocol):
    """One connection: everything goes on to aiohttp's protocol."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self.transport: asyncio.Transport | None = None
        self.busy = False
        """A request is being answered."""
        self.waiting_since = 0.0
        self.head_since: float | None = None
        """When the head of a request began to come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self.busy and self.head_since is None:
            self.head_since = self._connections.now()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """All connections of one server."""

    def __init__(self, limits: IngestLimits, now: Callable[[], float]) -> None:
        """``now``: seconds of a monotonic clock."""
        self._limits = limits
        self.now = now
        self._open: dict[asyncio.BaseTransport, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def guarding(self, protocol: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of the same protocols, watched."""
        return lambda: Connection(protocol(), self)

    def add(self, connection: Connection) -> None:
        """A new one; where there are too many, the one that has been idle longest must go."""
        assert connection.transport is not None
        connection.waiting_since = self.now()
        self._open[connection.transport] = connection
        if len(self._open) > self._limits.connections:
            idle = [each for each in self._open.values() if not each.busy]
            min(idle, key=lambda each: each.waiting_since, default=connection).abort()

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        if connection.transport is not None:
            self._open.pop(connection.transport, None)

    def sweep(self) -> None:
        """End every connection whose time is over."""
        now = self.now()
        idle, head = self._limits.idle.total_seconds(), self._limits.head.total_seconds()
        for each in [each for each in self._open.values() if not each.busy]:
            late = each.head_since is not None and now - each.head_since > head
            if late or now - each.waiting_since > idle:
                each.abort()

    async def sweeping(self) -> None:
        """`sweep` for ever."""
        shortest = min(self._limits.idle, self._limits.head).total_seconds()
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, shortest / 4))
            self.sweep()

    @property
    def middleware(self) -> Middleware:
        """Tells which connections are at work; the outermost middleware."""

        @web.middleware
        async def around(request: web.Request, handler: Respond) -> web.StreamResponse:
            transport = request.transport
            connection = None if transport is None else self._open.get(transport)
            if connection is not None:
                connection.busy, connection.head_since = True, None
            try:
                return await handler(request)
            finally:
                if connection is not None:
                    connection.busy, connection.waiting_since = False, self.now()

        return around
