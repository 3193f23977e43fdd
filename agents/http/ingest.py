"""The ``http`` agent: takes posts on ``POST /v1/posts`` and answers once Kafka has confirmed them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence

from aiohttp import web
from pydantic_core import to_json

from agents.backlog import Backlog
from agents.base import Clock, PublishFailed, RecordTooLarge, Rejected
from agents.http.access import Access, Claim
from agents.http.admission import LIMITS, Admission, IngestLimits, Ticket
from agents.http.answers import Outcome
from agents.http.body import read_body, records_in, require_form
from agents.http.document import openapi
from agents.http.entries import Entry
from agents.http.records import Forbidden, id_of, ready_of
from agents.http.refusals import Refusal, explained
from agents.losses import dead_letter_of
from agents.publisher import Publisher, Ready, abandon, encode_within_limit
from agents.source_health import SourceHealth
from pipeline.metrics import Metrics
from schemas import RawPost
from schemas.codec import InvalidRecord

RETRY_AFTER_SECONDS = 5
BEHIND_SECONDS = 30
"""How long clients are asked to wait while the pipeline is behind."""
SHUTDOWN_SECONDS = 4.0
"""How long requests in flight may take at a stop."""
BREATH_RECORDS = 100
"""How many records of one request are taken before others get their turn."""
SEND_RECORDS = 1000
"""How many are sent at a time."""
AGENT = "http"
MINIMAL = "return=minimal"

log = logging.getLogger("molva.agent")


class Ingest:
    """The endpoint; `runner` serves it."""

    def __init__(
        self,
        publisher: Publisher,
        metrics: Metrics,
        *,
        access: Access,
        clock: Clock,
        limits: IngestLimits = LIMITS,
        request_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        health: SourceHealth | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self._publisher = publisher
        self._metrics = metrics
        self._access = access
        self._clock = clock
        self.limits = limits
        self._request_id = request_id
        self._sources = health
        self._backlog = backlog
        self._admission = Admission(limits)
        self._document = to_json(openapi(limits))

    def runner(self) -> web.AppRunner:
        """The server of `_application`; it has no address yet."""
        return web.AppRunner(
            self._application(),
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=self.limits.idle.total_seconds(),
            shutdown_timeout=SHUTDOWN_SECONDS,
        )

    def _application(self) -> web.Application:
        middlewares = [explained(self._metrics.http_answers)]
        app = web.Application(client_max_size=self.limits.body_bytes, middlewares=middlewares)
        app.router.add_post("/v1/posts", self._take)
        app.router.add_get("/healthz", self._health, allow_head=False)
        app.router.add_get("/openapi.json", self._describe, allow_head=False)
        return app

    async def _describe(self, _: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def _health(self, _: web.Request) -> web.Response:
        try:
            partitions = await self._publisher.raw_partitions()
        except PublishFailed as error:
            raise Refusal(503, "unavailable", str(error)) from error
        return web.json_response({"status": "ok", "partitions": partitions})

    async def _take(self, request: web.Request) -> web.Response:
        claim = self._access.claim(request.headers, request.query)
        if self._backlog is not None and self._backlog.full:
            detail = "the pipeline is behind and takes no more; send it after the seconds of Retry-After"
            raise Refusal(503, "behind", detail, {"Retry-After": str(BEHIND_SECONDS)})
        require_form(request)
        with self._admission.request(proven=claim.proven) as ticket:
            return await self._accept(request, ticket, claim)

    async def _accept(self, request: web.Request, ticket: Ticket, claim: Claim) -> web.Response:
        body = await read_body(request, ticket, claim, self.limits)
        self._access.prove(claim)
        taken = False
        try:
            ticket.prove()
            entries = records_in(body, request, self.limits)
            outcome = Outcome(minimal=MINIMAL in request.headers.get("Prefer", ""))
            request_id = self._request_id()
            await self._publish(entries, claim, request_id, outcome)
            taken = True
        finally:
            if not taken:
                self._access.withdraw(claim)
        self._count(outcome)
        document = outcome.document(request_id)
        return web.Response(body=document, status=outcome.status, content_type="application/json")

    async def _publish(
        self, entries: Sequence[Entry], claim: Claim, request_id: str, outcome: Outcome
    ) -> None:
        """Publish all records, and wait until Kafka has them.

        Raises:
            Refusal: 503, it does not say so in time.
        """
        try:
            async with asyncio.timeout(self.limits.confirm.total_seconds()):
                for begin in range(0, len(entries), SEND_RECORDS):
                    ready = await self._ready(
                        entries[begin : begin + SEND_RECORDS], claim, request_id, outcome
                    )
                    outcome.deliveries.extend(await self._publisher.publish_all(ready))
                await self._publisher.confirm(outcome.deliveries)
        except (TimeoutError, PublishFailed) as error:
            abandon(outcome.deliveries)
            self._metrics.agent_errors.labels(AGENT, type(error).__name__).inc()
            raise Refusal(
                503,
                "not_confirmed",
                "Kafka has not confirmed the records; send the whole request again (ids make that harmless)",
                {"Retry-After": str(RETRY_AFTER_SECONDS)},
            ) from error

    async def _ready(
        self, entries: Sequence[Entry], claim: Claim, request_id: str, outcome: Outcome
    ) -> list[Ready]:
        """The records of some entries, and the dead letters of those that are none."""
        ready, now = [], self._clock()
        for number, entry in enumerate(entries):
            if number % BREATH_RECORDS == 0:
                await asyncio.sleep(0)
            try:
                made = ready_of(entry, claim.caller, now)
            except Forbidden as error:
                outcome.reject("forbidden", str(error), id_of(entry))
            except InvalidRecord as error:
                rejected = Rejected(entry.payload, "", error.reason, error.detail)
                ready.append(self._bury(rejected, entry, request_id, outcome))
            except RecordTooLarge as error:
                rejected = Rejected(error.value, "", "too_large", str(error))
                ready.append(self._bury(rejected, entry, request_id, outcome))
            else:
                ready.append(made)
                outcome.accept(made.record, made.record.key)
        if self._sources is not None:
            self._sources.seen(*(each.record for each in ready if isinstance(each.record, RawPost)))
        return ready

    def _bury(self, rejected: Rejected, entry: Entry, request_id: str, outcome: Outcome) -> Ready:
        """The dead letter of an entry."""
        letter = rejected._replace(origin=f"{AGENT}:{request_id}:{outcome.count}")
        self._metrics.dead_letters.labels(f"agent:{AGENT}", letter.reason).inc()
        log.warning("dead letter %s, %s: %s", letter.origin, letter.reason, letter.detail)
        outcome.reject(letter.reason, letter.detail, id_of(entry))
        record = dead_letter_of(letter, AGENT, self._clock())
        return Ready(record, encode_within_limit(record))

    def _count(self, outcome: Outcome) -> None:
        if outcome.deletions:
            self._metrics.agent_deletions.labels(AGENT).inc(outcome.deletions)
        if outcome.posts:
            self._metrics.agent_posts.labels(AGENT).inc(outcome.posts)
            self._metrics.agent_last_post.labels(AGENT).set(self._clock().timestamp())
