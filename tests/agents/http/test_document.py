"""The OpenAPI document against the running ingest: schemathesis asks it what is right, and what is wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from agents.http.access import Access
from agents.http.admission import LIMITS
from agents.http.document import openapi
from agents.http.ingest import Ingest
from agents.http.service import opened
from pipeline.metrics import Metrics
from tests.agents.http.serving import TOKEN
from tests.agents.memory_publisher import MemoryPublisher

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    ignored_auth,
]
"""Not whether bad data is refused as a whole: one bad record of a batch is, and its neighbours are taken."""
EXAMPLES = 60
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
DOCUMENT = json.loads(json.dumps(openapi(LIMITS)))


@schemathesis.serializer("application/x-ndjson")
def as_lines(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("application/vnd.kafka.json.v2+json")
def as_json(_: Any, value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture(scope="module")
def publisher() -> MemoryPublisher:
    return MemoryPublisher()


@pytest.fixture(scope="module")
def url(publisher: MemoryPublisher) -> Iterator[str]:
    """An ingest that runs in a thread, as schemathesis asks synchronously."""
    loop, stop, address = asyncio.new_event_loop(), asyncio.Event(), list[str]()
    listening = threading.Event()

    def clock() -> datetime:
        return datetime.now(UTC)

    async def serve() -> None:
        metrics = Metrics()
        access = Access(TOKEN, metrics, clock=clock)
        ingest = Ingest(publisher, metrics, access=access, clock=clock)
        async with opened(ingest, "127.0.0.1", 0) as (host, port):
            address.append(f"http://{host}:{port}")
            listening.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(30)
    yield address[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)


BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@seed(20261121)
@BOUNDED
@SCHEMA.parametrize()
def test_every_answer_is_as_the_document_says(
    case: schemathesis.Case[Any], url: str, publisher: MemoryPublisher
) -> None:
    before = len(publisher.sent)
    response = case.call(base_url=url, headers=AUTHORIZED)
    case.validate_response(response, checks=CHECKS, headers=AUTHORIZED)
    if response.status_code in (202, 403, 422) and case.method == "POST":
        answer = response.json()
        assert answer["accepted"] + answer["rejected"] >= len(answer["verdicts"])
        assert len(publisher.sent) - before == answer["accepted"] + answer["rejected"]
    else:
        assert len(publisher.sent) == before


def test_the_document_is_served_and_names_every_answer(url: str) -> None:
    assert httpx.get(f"{url}/openapi.json").json() == DOCUMENT
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Post"]["properties"]) >= {"text", "author", "revision", "edited_at", "media"}
    assert schemas["Post"]["required"] == ["created_at"]
    assert "Problem" in schemas and "Answer" in schemas and "Verdict" in schemas
