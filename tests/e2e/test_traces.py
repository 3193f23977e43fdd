"""Traces of a running ``molva up``: one post, one trace, from the agent to the insert into ClickHouse."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipeline.embedded.process import LOOPBACK
from tests.e2e.conftest import Up, await_value, molva, running, story_rows, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROWS = 30
WAY = {
    ("molva-replay", "publish molva.posts.raw"),
    ("molva-enrichment", "enrichment molva.posts.raw"),
    ("molva-detection", "detection molva.mentions"),
    ("molva-storage", "storage molva.posts.enriched"),
    ("molva-storage", "storage molva.mentions"),
}


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP; ``spans`` are (service, span) in the order of arrival."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        super().__init__((LOOPBACK, 0), _Export)

    def traces(self, post_id: str) -> list[list[tuple[str, Any]]]:
        """The spans of each trace that an agent began for the post."""
        found: dict[bytes, list[tuple[str, Any]]] = defaultdict(list)
        for service, span in list(self.spans):
            found[span.trace_id].append((service, span))
        return [
            trace
            for trace in found.values()
            if any(attribute(span, "cloudevents.event_id") == post_id for _, span in trace)
        ]


class _Export(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [(names["service.name"], span) for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test looks at ``spans``."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def tracing(collector: Collector) -> dict[str, str]:
    return {
        "MOLVA_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "NO_PROXY": LOOPBACK,
    }


@pytest.fixture(scope="module")
def up(tracing: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    yield from running(Up(tmp_path_factory.mktemp("traced"), **tracing))


def names(trace: list[tuple[str, Any]]) -> set[tuple[str, str]]:
    return {(service, span.name) for service, span in trace}


def attribute(span: Any, name: str) -> str:
    return next((each.value.string_value for each in span.attributes if each.key == name), "")


def test_a_post_has_one_trace_from_the_agent_to_clickhouse(
    up: Up, collector: Collector, tracing: dict[str, str], tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "traced.jsonl", story_rows()[:ROWS], "traced")
    done = molva("replay", file, "--wait", "--json", MOLVA_DATA_DIR=str(up.data_dir), **tracing)
    assert done.returncode == 0, done.stderr
    ((post_id,),) = up.rows(
        "SELECT post_id FROM mentions WHERE timeline = 'replay:traced.jsonl' ORDER BY post_id LIMIT 1"
    )

    def complete() -> list[tuple[str, Any]] | None:
        return next((trace for trace in collector.traces(post_id) if names(trace) >= WAY), None)

    trace = await_value(complete)
    by_id = {span.span_id: span for _, span in collector.spans}
    storage = next(span for _, span in trace if span.name == "storage molva.posts.enriched")
    chain = [storage]
    while chain[-1].parent_span_id:
        chain.append(by_id[chain[-1].parent_span_id])
    assert [span.name for span in chain] == [
        "storage molva.posts.enriched",
        "enrichment molva.posts.raw",
        "publish molva.posts.raw",
    ]
    (batch,) = [by_id[link.span_id] for link in storage.links]
    inserts = [span for _, span in collector.spans if span.parent_span_id == batch.span_id]
    assert (batch.name, [span.name for span in inserts if span.name.startswith("insert")]) == (
        "storage batch",
        ["insert posts"],
    )


def test_every_post_is_traced_and_each_has_a_trace_of_its_own(up: Up, collector: Collector) -> None:
    published = await_value(
        lambda: [span for _, span in collector.spans if span.name == "publish molva.posts.raw"]
    )
    assert len({span.trace_id for span in published}) == len(published) == ROWS
