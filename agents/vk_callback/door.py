"""Where VK's events come in over HTTP: who sends them is checked, and ``ok`` is said once Kafka has them."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web

from agents.http.admission import IngestLimits
from agents.http.listening import listening, whole_body
from agents.vk_callback.events import kind_of
from agents.vk_callback.options import Community, Options

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
    """One event; `settle` answers who sent it, and who sent it again meanwhile."""

    def __init__(self, content: dict[str, Any], settled: Callable[[bool], None]) -> None:
        """``settled`` is told whether Kafka has it, also where nobody waits for it any more."""
        self.content = content
        self.outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settled = settled

    def settle(self, taken: bool = True) -> None:
        """Kafka has it, or never will."""
        if not self.outcome.done():
            self.outcome.set_result(taken)
            self._settled(taken)


class Door:
    """The endpoint; events that are let in stand in ``queue``."""

    def __init__(self, options: Options, limits: IngestLimits = LIMITS) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue(WAITING)
        self._options = options
        self._limits = limits
        self._communities = {each.number: each for each in options.communities}
        self._waiting: dict[object, Event] = {}
        """By their names; one without a name by a key of its own."""
        self._taken: dict[object, None] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[str, int]]:
        """Listen for as long as the block runs.

        Returns:
            The address: the one asked for, or the port that was free.

        Raises:
            BadConfiguration: the port is taken.
        """
        app = web.Application(client_max_size=self._limits.body_bytes)
        app.router.add_post(self._options.path, self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        host, port = self._options.host, self._options.port
        place = listening(
            runner, self._limits, host, port, to="take events of VK", setting="`host` or `port`"
        )
        async with place as address:
            try:
                yield address
            finally:
                for event in tuple(self._waiting.values()):
                    event.settle(taken=False)

    async def _take(self, request: web.Request) -> web.Response:
        event = await self._read(request)
        community = self._communities.get(_number(event.get("group_id")))
        confirms = kind_of(event) == "confirmation"
        if community is None or not _knows_secret(community, event.get("secret"), optional=confirms):
            raise web.HTTPForbidden(text="an unknown community, or a wrong secret")
        if confirms:
            return web.Response(text=community.confirmation.get_secret_value())
        name = f"{community.number}:{event['event_id']}" if event.get("event_id") else object()
        if name not in self._taken:
            await self._confirmed(name, event)
        return web.Response(text="ok")

    async def _read(self, request: web.Request) -> dict[str, Any]:
        body = await whole_body(request, self._limits)
        try:
            event = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise web.HTTPBadRequest(text="the body is no JSON") from error
        if not isinstance(event, dict):
            raise web.HTTPBadRequest(text="the body is no object")
        return event

    async def _confirmed(self, name: object, content: dict[str, Any]) -> None:
        """Hand an event on, unless it is on its way already, and wait until Kafka has it."""
        event = self._waiting.get(name)
        if event is None:
            event = Event(content, partial(self._settled, name))
            try:
                self.queue.put_nowait(event)
            except asyncio.QueueFull as error:
                raise web.HTTPServiceUnavailable(text="too many events wait", headers=AGAIN) from error
            self._waiting[name] = event
        await asyncio.wait((event.outcome,), timeout=self._limits.confirm.total_seconds())
        if not (event.outcome.done() and event.outcome.result()):
            raise web.HTTPServiceUnavailable(text="Kafka has not confirmed the event", headers=AGAIN)

    def _settled(self, name: object, taken: bool) -> None:
        """Remember what was taken, however late: who repeats it is told so, and it is not taken twice."""
        self._waiting.pop(name, None)
        if taken and isinstance(name, str):
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
