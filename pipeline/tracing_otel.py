"""Traces with OpenTelemetry; only loaded where MOLVA_TRACES asks for it.

A post has one trace: a span where an agent publishes it, and one per stage that processes a record about it.
Stages work on batches: the span of a batch stands in the trace of its first record and links to the others'
(as OpenTelemetry's semantic conventions of messaging have it), and each record's span links to the batch's.
Whether a post is traced is decided once, by the agent (``OTEL_TRACES_SAMPLER``); the stages follow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipeline.kafka_record import PlacedRecord
from pipeline.tracing import TRACEPARENT, BatchTrace, Carried
from schemas.codec import Headers, header

Place = tuple[str, int, int]
"""Topic, partition, offset."""
MAX_LINKS = 128
"""The SDK's own limit of links of a span."""
CLOSE_MS = 2000
_PROPAGATOR = TraceContextTextMapPropagator()


def to_collector(service: str) -> OtelTracing:
    """Spans to the OTLP endpoint of ``OTEL_EXPORTER_OTLP_ENDPOINT`` (default: port 4318 of this machine)."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTracing(provider)


class OtelTracing:
    """`pipeline.tracing.Tracing` over a tracer provider, which says where the spans go."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("molva")

    def publish(self, topic: str, headers: Headers) -> Callable[[asyncio.Future[Any]], None]:
        """See `pipeline.tracing.Tracing.publish`."""
        attributes = {"messaging.system": "kafka", "messaging.destination.name": topic, **_about(headers)}
        span = self._tracer.start_span(
            f"publish {topic}", Context(), SpanKind.PRODUCER, attributes=attributes
        )
        _put(span, headers)

        def over(delivery: asyncio.Future[Any]) -> None:
            if delivery.cancelled() or delivery.exception() is not None:
                span.set_status(Status(StatusCode.ERROR, "Kafka did not confirm it"))
            span.end()

        return over

    @contextmanager
    def batch(self, stage: str, records: Sequence[PlacedRecord]) -> Iterator[BatchTrace]:
        """See `pipeline.tracing.Tracing.batch`; where no record is traced there is no span."""
        parents = {_place(record): parent for record in records if (parent := _parent(record)) is not None}
        if not parents:
            yield OtelBatch(self._tracer, {}, None)
            return
        first, *others = parents.values()
        whole = self._tracer.start_span(
            f"{stage} batch",
            _below(first),
            SpanKind.INTERNAL,
            {"molva.records": len(records), "molva.records.traced": len(parents)},
            [Link(other) for other in others[:MAX_LINKS]],
        )
        own = {
            _place(record): self._of_record(stage, record, parent, whole)
            for record in records
            if (parent := parents.get(_place(record))) is not None
        }
        spans = [*own.values(), whole]
        try:
            yield OtelBatch(self._tracer, own, whole)
        except BaseException as error:
            for span in spans:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            for span in spans:
                span.end()

    def close(self) -> None:
        """See `pipeline.tracing.Tracing.close`."""
        self._provider.force_flush(CLOSE_MS)
        self._provider.shutdown()

    def _of_record(self, stage: str, record: PlacedRecord, parent: SpanContext, whole: Span) -> Span:
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            **_about(record.headers),
        }
        link = [Link(whole.get_span_context())]
        return self._tracer.start_span(
            f"{stage} {record.topic}", _below(parent), SpanKind.CONSUMER, attributes, link
        )


class OtelBatch:
    """`pipeline.tracing.BatchTrace`: the spans of the traced records, by place, and of the whole batch."""

    def __init__(self, tracer: Tracer, own: Mapping[Place, Span], whole: Span | None) -> None:
        self._tracer = tracer
        self._own = own
        self._whole = whole

    def follow(self, record: PlacedRecord, out: Iterable[Carried]) -> None:
        """See `pipeline.tracing.BatchTrace.follow`."""
        if span := self._own.get(_place(record)):
            for item in out:
                _put(span, item.message.headers)

    def lead(self, out: Iterable[Carried]) -> None:
        """See `pipeline.tracing.BatchTrace.lead`."""
        if self._whole is not None:
            for item in out:
                if header(item.message.headers, TRACEPARENT) is None:
                    _put(self._whole, item.message.headers)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """See `pipeline.tracing.BatchTrace.step`."""
        if self._whole is None:
            yield
            return
        context = set_span_in_context(self._whole, Context())
        with self._tracer.start_as_current_span(name, context, SpanKind.CLIENT):
            yield


def _place(record: PlacedRecord) -> Place:
    return record.topic, record.partition, record.offset


def _about(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    found = {name: header(headers, f"ce_{name}") for name in ("id", "type")}
    return {f"cloudevents.event_{name}": value for name, value in found.items() if value}


def _put(span: Span, headers: Headers) -> None:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
    headers.extend((name, value.encode()) for name, value in carrier.items())


def _parent(record: PlacedRecord) -> SpanContext | None:
    """Where the record's trace stands; None where it has none, or was not chosen to be traced."""
    value = header(record.headers, TRACEPARENT)
    if value is None:
        return None
    found = get_current_span(_PROPAGATOR.extract({TRACEPARENT: value}, Context())).get_span_context()
    return found if found.is_valid and found.trace_flags.sampled else None


def _below(parent: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(parent), Context())
