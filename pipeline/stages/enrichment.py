"""Enrichment: raw posts in; enriched posts, mentions, dead letters out; watermarks forwarded.

Order matters here: a watermark must reach every partition of ``molva.mentions`` after all mentions of its
raw partition that came before it, so one batch is emitted in the order of its records.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from pipeline.batches import Incoming, batches
from pipeline.core.clusters import Clusters
from pipeline.core.enrichment import Annotation, Failed, enriched_post, in_cluster, linked, mentions, places
from pipeline.core.linking import Linker
from pipeline.core.standing import Standing, marked
from pipeline.emission import MAX_RECORD_BYTES, Emit, Outgoing, dead_letter, outgoing
from pipeline.logs import about
from pipeline.metrics import Metrics
from pipeline.storm import StormLimit
from pipeline.topics import ENRICHED, MENTIONS
from pipeline.tracing import OFF, BatchTrace, Tracing
from schemas import RawPost, Watermark
from schemas.codec import InvalidRecord, decode, encode, event_type, header
from schemas.mention import ObjectKind

STAGE = "enrichment"
_POSTS, _WATERMARKS = (None, event_type(RawPost)), event_type(Watermark)
"""``ce_type`` of what the raw topic holds; a foreign producer may leave it out."""

log = logging.getLogger("molva.enrichment")

Annotate = Callable[[Sequence[RawPost]], Awaitable[Sequence[Annotation | Failed]]]
"""Annotate a batch of posts off the event loop: one outcome per post, in order."""


@dataclass(frozen=True)
class Enrichment:
    """The stage and what it needs; ``mentions_partitions`` is the width of ``molva.mentions``."""

    annotate: Annotate
    emit: Emit
    kinds: Mapping[str, ObjectKind]
    standing: Callable[[RawPost], Standing]
    """Whose words a post is, and in whose community it stands."""
    linker: Linker
    mentions_partitions: int
    clock: Callable[[], datetime]
    metrics: Metrics
    limit: StormLimit
    batch: int = 256
    linger: timedelta = timedelta(milliseconds=100)
    clusters: Clusters = field(default_factory=Clusters)
    """Of all posts that this worker reads."""
    tracing: Tracing = OFF

    async def run(self, stream: Any) -> None:
        """Enrich a Faust stream of ``molva.posts.raw`` until it ends.

        Raises:
            DeadLetterStorm: too many records are given up; all that was read before is acknowledged.
        """
        async for records in batches(stream, self.batch, self.linger):
            self.limit.require()
            await self.enrich(records)

    async def enrich(self, records: Sequence[Incoming]) -> None:
        """Process one batch: returns when everything that it yields is confirmed by Kafka."""
        with self.tracing.batch(STAGE, records) as trace:
            await self._enrich(records, trace)

    async def _enrich(self, records: Sequence[Incoming], trace: BatchTrace) -> None:
        started = perf_counter()
        self.limit.take(len(records))
        parsed = [self._parse(record) for record in records]
        posts = [item for item in parsed if isinstance(item, RawPost)]
        outcomes = iter(await self.annotate(posts)) if posts else iter(())
        now = self.clock()
        out: list[Outgoing] = []
        for record, item in zip(records, parsed, strict=True):
            match item:
                case RawPost():
                    made = self._outputs(record, item, next(outcomes), now)
                case Watermark():
                    made = self._forward(record, item)
                case Outgoing():
                    made = [item]
            trace.follow(record, made)
            out += made
        with trace.step("send"):
            await self.emit(out)
        self._measure(records, posts, out, perf_counter() - started)

    def _parse(self, record: Incoming) -> RawPost | Watermark | Outgoing:
        kind = header(record.headers, "ce_type")
        try:
            if kind in _POSTS:
                return decode(RawPost, record.value)
            if kind == _WATERMARKS:
                return decode(Watermark, record.value)
        except InvalidRecord as error:
            return self._dead(record, error.reason, error.detail)
        return self._dead(record, "unknown_type", f"ce_type {kind!r} does not belong to {record.topic}")

    def _outputs(
        self, record: Incoming, post: RawPost, outcome: Annotation | Failed, now: datetime
    ) -> list[Outgoing]:
        if isinstance(outcome, Failed):
            return [self._dead(record, "failed", outcome.detail)]
        origin = record.origin
        shown = outcome.signals.fingerprint
        cluster = self.clusters.assign(post.id, post.timeline, post.created_at, shown)
        entities = self.linker.link(post, outcome.entities, places(outcome))
        outcome = linked(in_cluster(outcome, cluster), entities)
        standing = self.standing(post)
        post = marked(post, standing)
        enriched = outgoing(ENRICHED, enriched_post(post, outcome, origin, now, standing))
        if len(enriched.message.value) > MAX_RECORD_BYTES:
            size = len(enriched.message.value)
            return [
                self._dead(record, "too_large", f"{size} bytes enriched, the limit is {MAX_RECORD_BYTES}")
            ]
        found = mentions(post, outcome, origin, now, self.kinds, standing.spoken_by)
        for mention in found:
            self.metrics.mentions_decided.labels(mention.model).inc()
        return [enriched, *(outgoing(MENTIONS, mention) for mention in found)]

    def _forward(self, record: Incoming, watermark: Watermark) -> list[Outgoing]:
        stamped = watermark.model_copy(update={"origin": record.origin})
        message = encode(stamped)
        return [
            Outgoing(MENTIONS, message, partition, record.timestamp)
            for partition in range(self.mentions_partitions)
        ]

    def _dead(self, record: Incoming, reason: Any, detail: str) -> Outgoing:
        self.limit.give_up(reason, detail)
        log.warning("dead letter, %s: %s", reason, detail, extra=about(record))
        return dead_letter(record, STAGE, reason, detail, self.clock())

    def _measure(
        self, records: Sequence[Incoming], posts: Sequence[RawPost], out: Sequence[Outgoing], seconds: float
    ) -> None:
        now = self.clock()
        self.metrics.batch_size.labels(STAGE).observe(len(records))
        self.metrics.stage_seconds.labels(STAGE).observe(seconds)
        self.metrics.records_in.labels(STAGE, records[0].topic).inc(len(records))
        for topic, count in Counter([item.topic for item in out]).items():
            self.metrics.records_out.labels(STAGE, topic).inc(count)
        observe = self.metrics.end_to_end_seconds.labels(STAGE).observe
        for post in posts:
            observe(max(0.0, (now - post.collected_at).total_seconds()))
