"""A local WebSub hub: takes subscriptions, verifies them, pushes signed documents."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Self

import httpx
from aiohttp import web


class Hub:
    """``requests`` has the forms of subscriptions; `verify` and `push` act as hubs do."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status = 202
        self.url = ""
        self.client = httpx.AsyncClient(trust_env=False)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._subscribe)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}/".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self.client.aclose()
        await self._runner.cleanup()

    async def _subscribe(self, request: web.Request) -> web.Response:
        self.requests.append(dict(await request.post()))
        return web.Response(status=self.status)

    async def verify(self, callback: str, **changed: str) -> httpx.Response:
        asked = {
            "hub.mode": "subscribe",
            "hub.topic": self.requests[-1]["hub.topic"],
            "hub.challenge": "a challenge",
            "hub.lease_seconds": "3600",
        }
        return await self.client.get(
            callback, params=asked | {key.replace("_", ".", 1): value for key, value in changed.items()}
        )

    async def push(
        self,
        callback: str,
        body: bytes,
        *,
        method: str = "sha256",
        secret: str = "",
        signature: str | None = None,
    ) -> httpx.Response:
        key = (secret or self.requests[-1]["hub.secret"]).encode()
        made = f"{method}={hmac.new(key, body, getattr(hashlib, method)).hexdigest()}"
        headers = {
            "Content-Type": "application/rss+xml",
            "X-Hub-Signature": made.encode() if signature is None else signature.encode(),
        }
        return await self.client.post(callback, content=body, headers=headers)
