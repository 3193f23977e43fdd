"""A local ``t.me``: preview pages of channels of the shape that Telegram's have, 20 posts on each."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.agents.telegram_web.rendering import Channel, Post, rendered

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PAGE = 20


class Server:
    """``async with Server() as server``: ``server.url`` is what ``site`` is set to.

    ``requests`` counts paths, ``times`` has their moments by ``clock``. ``answers`` are given in turn instead
    of pages.
    """

    def __init__(self, clock: Any = None) -> None:
        self.now = NOON
        self.clock = clock or (lambda: self.now)
        self.channels: dict[str, Channel] = {}
        self.requests: Counter[str] = Counter()
        self.times: list[Any] = []
        self.answers: list[web.Response] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/s/{handle}", self._preview)
        app.router.add_get("/{handle}", self._contact)
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
        assert self._runner is not None
        assert self._runner.server is not None
        return len(self._runner.server.connections)

    def channel(self, handle: str, title: str = "", **fields: Any) -> Channel:
        made = Channel(handle, title or handle, 1_000_000_000 + len(self.channels), **fields)
        self.channels[handle.lower()] = made
        return made

    def publish(self, channel: Channel | str, text: str = "", *, size: int = 1, **fields: Any) -> Post:
        """A new post; of an album the number is that of its first message. A handle makes the channel."""
        if isinstance(channel, str):
            channel = self.channels.get(channel.lower()) or self.channel(channel)
        number = channel.newest + 1
        channel.newest += size
        words = html.escape(text, quote=False).replace("\n", "<br/>")
        made = Post(number, fields.pop("at", None) or self.now, words, **fields)
        channel.posts[number] = made
        return made

    def edit(self, channel: Channel, number: int, **fields: Any) -> None:
        channel.posts[number] = replace(channel.posts[number], edited=True, **fields)

    async def _preview(self, request: web.Request) -> web.StreamResponse:
        self.requests[request.path] += 1
        self.times.append(self.clock())
        if self.answers:
            return self.answers.pop(0)
        channel = self.channels.get(request.match_info["handle"].lower())
        if channel is None or channel.kind != "channel":
            raise web.HTTPFound(f"/{request.match_info['handle']}")
        before = int(request.query.get("before", 1 << 40))
        older = [channel.posts[number] for number in sorted(channel.posts) if number < before]
        return _page(rendered(channel, older[-PAGE:], more=len(older) > PAGE))

    async def _contact(self, request: web.Request) -> web.Response:
        channel = self.channels.get(request.match_info["handle"].lower())
        extra = {
            "group": "1 234 members, 56 online",
            "closed": "11 123 subscribers",
            "person": f"@{request.match_info['handle']}",
        }.get(channel.kind if channel else "", "")
        shown = f'<div class="tgme_page_extra">{extra}</div>' if extra else '<i class="tgme_icon_user"></i>'
        return _page(f'<!DOCTYPE html><body><div class="tgme_page">{shown}</div></body>')


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="utf-8")
