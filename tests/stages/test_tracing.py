"""Traces: a record continues the trace of the record that it comes from; off, nothing is added."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from pipeline.batches import Incoming
from pipeline.emission import Outgoing, outgoing
from pipeline.settings import Settings
from pipeline.topics import ENRICHED, RAW, SPIKES
from pipeline.tracing import OFF, TRACEPARENT, open_tracing
from pipeline.tracing_otel import MAX_LINKS, OtelTracing
from schemas.codec import Headers, encode, header
from tests.sink import samples

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[OtelTracing]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = OtelTracing(provider)
    yield tracing
    tracing.close()


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.trace_id


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def published(tracing: OtelTracing, number: int) -> Incoming:
    """A raw post as an agent publishes it and a stage reads it."""
    message = encode(samples.raw_post(number))
    over = tracing.publish(RAW, message.headers)
    delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    delivery.add_done_callback(over)
    delivery.set_result(None)
    await asyncio.sleep(0)
    return Incoming(RAW, 0, number, message.value, message.headers, NOW)


def untraced(number: int) -> Incoming:
    message = encode(samples.raw_post(number))
    return Incoming(RAW, 0, number, message.value, message.headers, NOW)


def next_of(record: Incoming, out: Outgoing) -> Incoming:
    """What the next stage reads."""
    return Incoming(out.topic, 0, record.offset, out.message.value, out.message.headers, NOW)


def traceparent(headers: Headers) -> str | None:
    return header(headers, TRACEPARENT)


async def test_a_post_has_one_trace_from_stage_to_stage(
    tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    record = await published(tracing, 1)
    out = outgoing(ENRICHED, samples.enriched(1))
    with tracing.batch("enrichment", [record]) as trace:
        trace.follow(record, [out])
    with tracing.batch("storage", [next_of(record, out)]) as trace, trace.step("insert posts"):
        pass
    (agent,) = named(exporter, f"publish {RAW}")
    (enrichment,) = named(exporter, f"enrichment {RAW}")
    (storage,) = named(exporter, f"storage {ENRICHED}")
    (batch,) = named(exporter, "storage batch")
    (insert,) = named(exporter, "insert posts")
    assert {trace_of(span) for span in exporter.get_finished_spans()} == {trace_of(agent)}
    assert parent_of(agent) is None
    assert parent_of(enrichment) == id_of(agent)
    assert parent_of(storage) == id_of(enrichment)
    assert parent_of(insert) == id_of(batch)
    assert [link.context.span_id for link in storage.links] == [id_of(batch)]
    assert dict(storage.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.destination.name": ENRICHED,
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 1,
        "cloudevents.event_id": samples.enriched(1).id,
        "cloudevents.event_type": "molva.enriched-post.v1",
    }


async def test_a_batch_links_to_the_traces_of_all_its_records(
    tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    records = [await published(tracing, number) for number in range(3)]
    spike = outgoing(SPIKES, samples.spike(1))
    with tracing.batch("detection", [*records, untraced(9)]) as trace:
        trace.lead([spike])
    (batch,) = named(exporter, "detection batch")
    publishes = named(exporter, f"publish {RAW}")
    assert parent_of(batch) == id_of(publishes[0])
    assert {link.context.trace_id for link in batch.links} == {trace_of(span) for span in publishes[1:]}
    assert dict(batch.attributes or {}) == {"molva.records": 4, "molva.records.traced": 3}
    assert len(named(exporter, f"detection {RAW}")) == 3
    assert (traceparent(spike.message.headers) or "").split("-")[2] == f"{id_of(batch):016x}"


async def test_a_batch_larger_than_the_limit_of_links_is_traced(
    tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    records = [await published(tracing, number) for number in range(MAX_LINKS + 10)]
    with tracing.batch("storage", records):
        pass
    assert len(named(exporter, "storage batch")[0].links) == MAX_LINKS
    assert len(named(exporter, f"storage {RAW}")) == MAX_LINKS + 10


async def test_an_error_is_seen_in_the_spans(tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
    record = await published(tracing, 1)
    with pytest.raises(ConnectionError), tracing.batch("enrichment", [record]):
        raise ConnectionError
    (span,) = named(exporter, f"enrichment {RAW}")
    assert not span.status.is_ok
    assert span.status.description == "ConnectionError"


async def test_a_lost_delivery_is_an_error(tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
    delivery: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    delivery.add_done_callback(tracing.publish(RAW, []))
    delivery.set_exception(ConnectionError())
    await asyncio.sleep(0)
    assert not named(exporter, f"publish {RAW}")[0].status.is_ok


async def test_what_the_agent_did_not_choose_is_not_traced(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = OtelTracing(provider)
    record = await published(tracing, 1)
    out = outgoing(ENRICHED, samples.enriched(1))
    with tracing.batch("enrichment", [record]) as trace, trace.step("send"):
        trace.follow(record, [out])
        trace.lead([out])
    assert exporter.get_finished_spans() == ()
    assert traceparent(out.message.headers) is None
    tracing.close()


@pytest.mark.parametrize(
    "value", [b"", b"nonsense", b"00-0-0-01", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"]
)
async def test_a_foreign_header_harms_nothing(
    value: bytes, tracing: OtelTracing, exporter: InMemorySpanExporter
) -> None:
    record = untraced(1)._replace(headers=[(TRACEPARENT, value)])
    with tracing.batch("enrichment", [record]):
        pass
    assert exporter.get_finished_spans() == ()


def test_off_is_the_default_and_adds_nothing() -> None:
    assert open_tracing(Settings(), "storage") is OFF
    record, out = untraced(1), outgoing(ENRICHED, samples.enriched(1))
    before = list(out.message.headers)
    assert OFF.publish(RAW, out.message.headers) is None
    with OFF.batch("enrichment", [record]) as trace, trace.step("send"):
        trace.follow(record, [out])
        trace.lead([out])
    OFF.close()
    assert out.message.headers == before
