"""The ``http`` agent: takes posts on ``POST /v1/posts`` and answers once Kafka has confirmed them."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from agents.backlog import Backlog
from agents.base import BadConfiguration, BrokenInput, Clock, PublishFailed, RecordTooLarge, Rejected
from agents.body import FORMS, Entry, entries_of
from agents.compression import BoundedInflater, TooLarge
from agents.http_admission import LIMITS, Admission, IngestLimits, Ticket
from agents.http_refusals import Refusal, explain_errors, refuse
from agents.publisher import Delivery, Publisher, abandon
from agents.rows import post_of
from agents.runner import dead_letter_of
from agents.source_health import SourceHealth
from pipeline.metrics import Metrics
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord

RETRY_AFTER_SECONDS = 5
BEHIND_SECONDS = 30
"""How long clients are asked to wait while the pipeline is behind."""
ENCODINGS = ("", "identity", "gzip", "deflate")
KEEPALIVE_SECONDS = 30.0
SHUTDOWN_SECONDS = 4.0
"""How long requests in flight may take at a stop."""
BREATH_RECORDS = 100
"""How many records of one request are taken before others get their turn."""
AGENT = "http"

log = logging.getLogger("molva.agent")


@dataclass
class _Outcome:
    """What became of the records of a request so far."""

    verdicts: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    accepted: int = 0

    def accept(self, post: RawPost, deliveries: tuple[Delivery, ...]) -> None:
        self.accepted += 1
        self.deliveries.extend(deliveries)
        self.verdicts.append({"index": len(self.verdicts), "id": post.id, "status": "accepted"})

    def reject(self, rejected: Rejected, post_id: object) -> None:
        self.verdicts.append(
            {
                "index": len(self.verdicts),
                "id": post_id if isinstance(post_id, str) else None,
                "status": "rejected",
                "reason": rejected.reason,
                "detail": rejected.detail,
            }
        )

    def document(self, request_id: str) -> dict[str, Any]:
        rejected = len(self.verdicts) - self.accepted
        return {
            "request_id": request_id,
            "accepted": self.accepted,
            "rejected": rejected,
            "verdicts": self.verdicts,
        }


class Ingest:
    """The endpoint; `runner` serves it."""

    def __init__(
        self,
        publisher: Publisher,
        metrics: Metrics,
        *,
        token: str,
        clock: Clock,
        limits: IngestLimits = LIMITS,
        request_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        health: SourceHealth | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._token = token.encode()
        self._clock = clock
        self._limits = limits
        self._request_id = request_id
        self._sources = health
        self._backlog = backlog
        self._admission = Admission(limits)

    def runner(self) -> web.AppRunner:
        """The server of ``POST /v1/posts`` and ``GET /healthz``; it has no address yet."""
        return web.AppRunner(
            self._application(),
            auto_decompress=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=self._limits.body_bytes, middlewares=[explain_errors])
        app.router.add_post("/v1/posts", self._take)
        app.router.add_get("/healthz", self._health)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        try:
            partitions = await self._publisher.raw_partitions()
        except PublishFailed as error:
            return refuse(503, "unavailable", str(error))
        return web.json_response({"status": "ok", "partitions": partitions})

    async def _take(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return refuse(401, "unauthorized", "send the header `Authorization: Bearer <MOLVA_HTTP_TOKEN>`")
        if self._backlog is not None and self._backlog.full:
            detail = "the pipeline is behind and takes no more; send it after the seconds of Retry-After"
            return refuse(503, "behind", detail, {"Retry-After": str(BEHIND_SECONDS)})
        with self._admission.request() as ticket:
            return await self._accept(request, ticket)

    async def _accept(self, request: web.Request, ticket: Ticket) -> web.Response:
        entries = await self._entries(request, ticket)
        request_id = self._request_id()
        outcome = _Outcome()
        try:
            async with asyncio.timeout(self._limits.confirm.total_seconds()):
                for number, entry in enumerate(entries):
                    if number % BREATH_RECORDS == 0:
                        await asyncio.sleep(0)
                    await self._publish(entry, f"{AGENT}:{request_id}:{len(outcome.verdicts)}", outcome)
                await self._publisher.confirm(outcome.deliveries)
        except (TimeoutError, PublishFailed) as error:
            abandon(outcome.deliveries)
            self._metrics.agent_errors.labels(AGENT, type(error).__name__).inc()
            return refuse(
                503,
                "not_confirmed",
                "Kafka has not confirmed the records; send the whole request again (ids make that harmless)",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        if outcome.accepted:
            self._metrics.agent_posts.labels(AGENT).inc(outcome.accepted)
            self._metrics.agent_last_post.labels(AGENT).set(self._clock().timestamp())
        return web.json_response(outcome.document(request_id), status=202 if outcome.accepted else 422)

    def _may(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), self._token)
        return not self._token or (right and scheme.lower() == "bearer")

    async def _entries(self, request: web.Request, ticket: Ticket) -> list[Entry]:
        """The records of the body.

        Raises:
            Refusal: the body is too large, too slow, of another type, or no JSON.
        """
        if request.content_type not in FORMS:
            raise Refusal(415, "media_type", f"send JSON or NDJSON, not {request.content_type}")
        if request.headers.get("Content-Encoding", "").lower() not in ENCODINGS:
            raise Refusal(415, "encoding", "send the body plain, or with Content-Encoding: gzip")
        body = await self._body(request, ticket)
        try:
            entries = entries_of(body, FORMS[request.content_type])
        except InvalidRecord as error:
            raise Refusal(400, error.reason, f"{error.detail}; one record per line is NDJSON") from error
        if not entries:
            raise Refusal(400, "empty", "the body holds no record")
        if len(entries) > self._limits.records:
            raise Refusal(
                413, "too_many", f"{len(entries)} records in a request, the limit is {self._limits.records}"
            )
        return entries

    async def _body(self, request: web.Request, ticket: Ticket) -> bytes:
        """The decoded body. Decoded here, because aiohttp takes a gzip stream that ends early for whole."""
        body = bytearray()
        limit = self._limits.body_bytes
        encoded = request.headers.get("Content-Encoding", "").lower() in ("gzip", "deflate")
        inflater = BoundedInflater(limit) if encoded else None
        try:
            async with asyncio.timeout(self._limits.body.total_seconds()):
                async for piece in request.content.iter_any():
                    decoded = piece if inflater is None else inflater.feed(piece)
                    ticket.hold(len(decoded))
                    body += decoded
                    if len(body) > limit:
                        raise TooLarge(f"the body is larger than {limit} bytes")
            if inflater is not None:
                inflater.finish()
        except TooLarge as error:
            raise Refusal(413, "too_large", f"{error}; send it in parts") from error
        except TimeoutError as error:
            raise Refusal(408, "too_slow", "the body did not arrive in time") from error
        except (BrokenInput, web.RequestPayloadError) as error:
            raise Refusal(400, "encoding", f"the body cannot be read: {error}") from error
        return bytes(body)

    async def _publish(self, entry: Entry, origin: str, outcome: _Outcome) -> None:
        try:
            if isinstance(entry.document, InvalidRecord):
                raise entry.document
            post = post_of(entry.document, source=AGENT, timeline=LIVE, collected_at=self._clock())
            if self._sources is not None:
                self._sources.seen(post)
            outcome.accept(post, await self._publisher.publish(post))
            return
        except InvalidRecord as error:
            rejected = Rejected(entry.payload, origin, error.reason, error.detail)
        except RecordTooLarge as error:
            rejected = Rejected(error.value, origin, "too_large", str(error))
        self._metrics.dead_letters.labels(f"agent:{AGENT}", rejected.reason).inc()
        log.warning("dead letter %s, %s: %s", origin, rejected.reason, rejected.detail)
        letter = dead_letter_of(rejected, AGENT, self._clock())
        outcome.deliveries.extend(await self._publisher.publish(letter))
        outcome.reject(rejected, entry.document.get("id") if isinstance(entry.document, dict) else None)


def check_exposure(host: str, token: str, *, without_token: bool) -> None:
    """Refuse to serve strangers.

    Raises:
        BadConfiguration: there is no token, and not the explicit wish for none on a loopback address.
    """
    if token:
        return
    loopback = host == "localhost"
    if not loopback:
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
    if not (loopback and without_token):
        raise BadConfiguration(
            "the HTTP ingest needs a bearer token: set MOLVA_HTTP_TOKEN to a long random text"
        )
