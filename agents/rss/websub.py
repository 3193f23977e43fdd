"""WebSub (W3C, 2018): hubs push new entries of feeds; the server that takes them, and the subscriptions.

A subscription needs no memory over restarts: its callback and its secret are derived from the agent's secret
and the feed. Polling goes on, seldom, and finds what a push that got lost had brought.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
from aiohttp import web as server
from pydantic import BaseModel, ConfigDict, Field

from agents.base import SourceUnavailable
from agents.http.admission import IngestLimits
from agents.http.listening import listening, whole_body
from agents.options import Interval, Secret
from agents.rss.feeds import Feed
from agents.rss.websub_messages import discovered, signed
from agents.surroundings import Surroundings
from agents.web import Forbidden, shown

HUBS: Final = ("https://pubsubhubbub.appspot.com", "https://pubsubhubbub.superfeedr.com")
LIMITS: Final = IngestLimits(body_bytes=5 * 1024 * 1024, connections=128)
MAX_WAITING: Final = 64
LEASE: Final = timedelta(days=5)
LONGEST_LEASE: Final = timedelta(days=30)
RENEW_AT: Final = 0.8
"""Of a lease; then it is asked for anew."""
AGAIN: Final = timedelta(hours=1)
"""After a hub that refuses, or that never verifies."""

log = logging.getLogger("molva.agent.rss")


class WebSub(BaseModel):
    """How hubs reach the agent."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    callback: str = Field(pattern=r"^https?://[^/?#@]+(?:/[^?#]*)?$")
    """The public address of this agent; a proxy passes what comes there on to ``port``."""
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    secret: Secret
    hubs: tuple[str, ...] = HUBS
    """Hubs that feeds may name; others are not asked."""
    interval: Interval = Field(default=timedelta(hours=1), ge=timedelta(minutes=1), le=timedelta(days=1))
    """Between two polls of a feed that is pushed."""


@dataclass
class Subscription:
    """What is known of a feed's subscription."""

    hub: str
    topic: str
    path: str
    ask_at: datetime
    active_until: datetime | None = None


class Push(BaseModel):
    """A document that a hub brought."""

    url: str
    body: bytes
    content_type: str


class Subscriber:
    """The subscriptions of one agent; `served` runs its server."""

    def __init__(
        self, options: WebSub, around: Surroundings, feeds: tuple[Feed, ...], limits: IngestLimits = LIMITS
    ) -> None:
        self._options = options
        self._around = around
        self._limits = limits
        self._paths = {self._derived("path", str(feed.url))[:32]: str(feed.url) for feed in feeds}
        self._known: dict[str, Subscription] = {}
        self._looked: set[str] = set()
        self.pushes: asyncio.Queue[Push] = asyncio.Queue(MAX_WAITING)
        self.port = 0

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Take verifications and pushes.

        Raises:
            BadConfiguration: the port is taken.
        """
        app = server.Application(client_max_size=self._limits.body_bytes)
        prefix = httpx.URL(self._options.callback).path.rstrip("/")
        for base in {prefix, ""}:  # a proxy may take the prefix off
            app.router.add_get(f"{base}/{{path:[0-9a-f]{{32}}}}", self._verify)
            app.router.add_post(f"{base}/{{path:[0-9a-f]{{32}}}}", self._take)
        runner = server.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        host, port, to = self._options.host, self._options.port, "take pushes of hubs"
        async with listening(
            runner, self._limits, host, port, to=to, setting="`host` or `port` of `websub`"
        ) as place:
            self.port = place[1]
            yield

    def interval(self, feed: Feed) -> timedelta:
        """Between two polls of a feed: a long one while pushes come."""
        known = self._known.get(str(feed.url))
        pushed = known is not None and known.active_until and known.active_until > self._around.clock()
        return max(feed.interval, self._options.interval) if pushed else feed.interval

    def looked(self, feed: Feed) -> bool:
        """Whether it is known if the feed names a hub; until then it is asked for whole."""
        return str(feed.url) in self._looked

    async def look(self, feed: Feed, headers: Mapping[str, str], body: bytes) -> None:
        """Subscribe where the feed names a hub, and renew in time; failures leave polling as it is."""
        url, now = str(feed.url), self._around.clock()
        known = self._known.get(url)
        self._looked.add(url)
        if known is None:
            found = discovered(headers, body)
            if found is None or not self._allowed(found[0], url):
                return
            path = self._derived("path", url)[:32]
            known = self._known[url] = Subscription(found[0], found[1] or url, path, now)
        if now < known.ask_at:
            return
        known.ask_at = now + AGAIN
        await self._subscribe(known)

    async def _subscribe(self, known: Subscription) -> None:
        form = {
            "hub.mode": "subscribe",
            "hub.topic": known.topic,
            "hub.callback": f"{self._options.callback.rstrip('/')}/{known.path}",
            "hub.secret": self._derived("secret", known.path),
            "hub.lease_seconds": str(int(LEASE.total_seconds())),
        }
        try:
            reply = await self._around.web.post(known.hub, data=form)
            if not 200 <= reply.status < 300:
                raise SourceUnavailable(f"HTTP {reply.status}")
        except (SourceUnavailable, Forbidden) as error:
            self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
            log.warning(
                "%s: the hub %s takes no subscription: %s", shown(known.topic), shown(known.hub), error
            )

    def _allowed(self, hub: str, url: str) -> bool:
        try:
            named = httpx.URL(hub).copy_with(path="/", query=None).host in {
                httpx.URL(each).host for each in self._options.hubs
            }
        except httpx.InvalidURL:
            return False
        if not named:
            log.info("%s names the hub %s, which is not in `hubs`: it is polled", shown(url), shown(hub))
        return named

    def _derived(self, purpose: str, text: str) -> str:
        key = self._options.secret.get_secret_value().encode()
        return hmac.new(key, f"{purpose}\x1f{text}".encode(), hashlib.sha256).hexdigest()

    def _of(self, request: server.Request) -> Subscription | None:
        return self._known.get(self._paths.get(request.match_info["path"], ""))

    async def _verify(self, request: server.Request) -> server.Response:
        """Verification of intent: only what was asked for is confirmed."""
        known, given = self._of(request), request.query
        if known is None or given.get("hub.topic") != known.topic:
            return server.Response(status=404)
        now = self._around.clock()
        if given.get("hub.mode") == "denied":
            known.active_until, known.ask_at = None, now + LEASE
            log.warning("%s: the hub denies it: %.200s", shown(known.topic), given.get("hub.reason", ""))
            return server.Response()
        lease = given.get("hub.lease_seconds", "")
        if given.get("hub.mode") != "subscribe" or not given.get("hub.challenge") or not lease.isdecimal():
            return server.Response(status=404)
        span = min(max(timedelta(seconds=int(lease[:9])), timedelta(minutes=5)), LONGEST_LEASE)
        known.active_until, known.ask_at = now + span, now + RENEW_AT * span
        return server.Response(text=given["hub.challenge"], content_type="text/plain")

    async def _take(self, request: server.Request) -> server.Response:
        """A push; one that is not signed right is dropped, and not told from one that is (section 7.1.1)."""
        url = self._paths.get(request.match_info["path"])
        if url is None:
            return server.Response(status=404)
        if self.pushes.full():
            return server.Response(status=503, headers={"Retry-After": "60"})
        body = await whole_body(request, self._limits)
        secret = self._derived("secret", request.match_info["path"])
        if not signed(body, request.headers.get("X-Hub-Signature", ""), secret):
            self._around.metrics.agent_skipped.labels(self._around.agent, "bad-signature").inc()
            return server.Response(status=202)
        if self.pushes.full():
            return server.Response(status=503, headers={"Retry-After": "60"})
        self.pushes.put_nowait(Push(url=url, body=body, content_type=request.headers.get("Content-Type", "")))
        return server.Response(status=202)
