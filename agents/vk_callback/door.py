"""Where VK's events come in over HTTP: who sends them is checked, and ``ok`` is said once Kafka has them."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from agents.base import BadConfiguration
from agents.http.admission import IngestLimits
from agents.http.connections import Connections
from agents.vk_callback.events import kind_of
from agents.vk_callback.options import Community, Options
from agents.waiting import cancel

LIMITS: Final = IngestLimits(
    body_bytes=1024 * 1024,
    confirm=timedelta(seconds=8),
    body=timedelta(seconds=10),
    connections=128,
)
"""VK gives up after ten seconds, and sends the event again later."""
WAITING: Final = 64
"""Events that wait for Kafka at a time."""
REMEMBERED: Final = 10_000
"""Ids of events that were taken: one that VK repeats is not taken twice."""
AGAIN: Final = {"Retry-After": "5"}


class Event:
    """One event; `settle` answers who sent it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def settle(self, taken: bool = True) -> None:
        """Kafka has it, or never will; who has stopped waiting is told nothing."""
        if not self.outcome.done():
            self.outcome.set_result(taken)


class Door:
    """The endpoint; events that are let in stand in ``queue``."""

    def __init__(self, options: Options, limits: IngestLimits = LIMITS) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue(WAITING)
        self._options = options
        self._limits = limits
        self._communities = {each.number: each for each in options.communities}
        self._waiting: set[Event] = set()
        self._taken: dict[str, None] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[str, int]]:
        """Listen for as long as the block runs.

        Returns:
            The address: the one asked for, or the port that was free.

        Raises:
            BadConfiguration: the port is taken.
        """
        loop = asyncio.get_running_loop()
        connections = Connections(self._limits, loop.time)
        app = web.Application(client_max_size=self._limits.body_bytes, middlewares=[connections.middleware])
        app.router.add_post(self._options.path, self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        sweeping = asyncio.ensure_future(connections.sweeping())
        server = None
        try:
            assert runner.server is not None
            host, port = self._options.host, self._options.port
            try:
                server = await loop.create_server(connections.guarding(runner.server), host, port)
            except OSError as error:
                why = os.strerror(error.errno or 0)
                raise BadConfiguration(
                    f"cannot take events of VK on {host}:{port}: {why}; choose another `host` or `port`"
                ) from error
            yield server.sockets[0].getsockname()[:2]
        finally:
            if server is not None:
                server.close()
            for event in tuple(self._waiting):
                event.settle(taken=False)
            await cancel(sweeping)
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        event = await self._read(request)
        community = self._communities.get(_number(event.get("group_id")))
        confirms = kind_of(event) == "confirmation"
        if community is None or not _knows_secret(community, event.get("secret"), optional=confirms):
            raise web.HTTPForbidden(text="an unknown community, or a wrong secret")
        if confirms:
            return web.Response(text=community.confirmation.get_secret_value())
        name = f"{community.number}:{event.get('event_id') or ''}"
        if name in self._taken:
            return web.Response(text="ok")
        await self._confirmed(Event(event))
        if event.get("event_id"):
            self._remember(name)
        return web.Response(text="ok")

    async def _read(self, request: web.Request) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limits.body.total_seconds()):
                body = await request.read()
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error
        try:
            event = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise web.HTTPBadRequest(text="the body is no JSON") from error
        if not isinstance(event, dict):
            raise web.HTTPBadRequest(text="the body is no object")
        return event

    async def _confirmed(self, event: Event) -> None:
        """Hand an event on, and wait until Kafka has it."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull as error:
            raise web.HTTPServiceUnavailable(text="too many events wait", headers=AGAIN) from error
        self._waiting.add(event)
        try:
            async with asyncio.timeout(self._limits.confirm.total_seconds()):
                taken = await event.outcome
        except TimeoutError:
            taken = False
        finally:
            self._waiting.discard(event)
        if not taken:
            raise web.HTTPServiceUnavailable(text="Kafka has not confirmed the event", headers=AGAIN)

    def _remember(self, name: str) -> None:
        self._taken[name] = None
        if len(self._taken) > REMEMBERED:
            del self._taken[next(iter(self._taken))]


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _knows_secret(community: Community, given: Any, *, optional: bool) -> bool:
    """Compare in constant time; where it is ``optional``, none is as good as the right one."""
    if given is None and optional:
        return True
    secret = community.secret.get_secret_value().encode()
    return hmac.compare_digest(str(given or "").encode("utf-8", "surrogatepass"), secret)
