"""The ingest endpoint over real HTTP: verdicts, refusals, and 202 only for what Kafka has."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaConnectionError

from agents.base import BadConfiguration
from agents.cursor import MemoryCursors
from agents.http.admission import IngestLimits
from agents.http.service import check_exposure
from agents.manual_time import NOON, ManualTime
from agents.publisher import MAX_VALUE_BYTES
from agents.source_health import SourceHealth
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, RAW
from schemas import DeadLetter, RawPost
from tests.agents.http.serving import TOKEN, Client, encoded, row, served
from tests.agents.memory_publisher import MemoryPublisher

LIMITS = IngestLimits(
    body_bytes=1_000_000, records=50, confirm=timedelta(seconds=0.2), body=timedelta(seconds=0.2)
)


@pytest.fixture
def sources(metrics: Metrics) -> SourceHealth:
    return SourceHealth("http", metrics, MemoryCursors(), clock=ManualTime().clock)


@pytest.fixture
async def client(
    publisher: MemoryPublisher, metrics: Metrics, sources: SourceHealth
) -> AsyncIterator[Client]:
    async with served(publisher, metrics, limits=LIMITS, request_id=lambda: "r1", health=sources) as client:
        yield client


async def test_one_post(client: Client, publisher: MemoryPublisher, metrics: Metrics) -> None:
    status, answer = await client.post(encoded(row(1)), Content_Type="application/json")
    assert status == 202
    assert answer == {
        "request_id": "r1",
        "accepted": 1,
        "rejected": 0,
        "verdicts": [{"index": 0, "id": "crm:1", "status": "accepted"}],
    }
    (record,) = publisher.of(RAW)
    assert isinstance(record, RawPost)
    assert (record.id, record.timeline, record.collected_at, record.text) == ("crm:1", "live", NOON, "привет")
    assert metrics.registry.get_sample_value("molva_agent_posts_total", {"agent": "http"}) == 1


async def test_a_source_is_seen_posting(client: Client, metrics: Metrics, sources: SourceHealth) -> None:
    await client.post(encoded(row(1), {"id": "2", "text": "no date"}))
    await sources.tick()
    labels = {"agent": "http", "source": "crm"}
    sample = metrics.registry.get_sample_value
    assert sample("molva_source_last_post_timestamp_seconds", labels) == NOON.timestamp()
    assert sample("molva_source_silence_surprise", labels) == 0


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/plain", None])
async def test_a_batch_in_every_form(client: Client, publisher: MemoryPublisher, kind: str | None) -> None:
    body = (
        json.dumps([row(1), row(2)]).encode()
        if kind == "application/json"
        else encoded(row(1), row(2)) + b"\n\n"
    )
    headers = {} if kind is None else {"Content_Type": kind}
    assert (await client.post(body, **headers))[0] == 202
    assert sorted(record.event_id for record in publisher.of(RAW)) == ["crm:1", "crm:2"]


async def test_each_record_has_its_verdict_and_the_rejected_are_dead_letters(
    client: Client, publisher: MemoryPublisher, metrics: Metrics
) -> None:
    big = row(4, author={"id": "a", "bio": "x" * (MAX_VALUE_BYTES + 1)})
    body = b"\n".join(
        [encoded(row(1)), b'{"id": ', encoded(row(3, created_at="soon")), encoded(big), b"7", encoded(row(6))]
    )
    status, answer = await client.post(body, Content_Type="application/x-ndjson")
    assert (status, answer["accepted"], answer["rejected"]) == (202, 2, 4)
    verdicts = [(v["index"], v["id"], v["status"], v.get("reason")) for v in answer["verdicts"]]
    assert verdicts == [
        (0, "crm:1", "accepted", None),
        (1, None, "rejected", "not_json"),
        (2, "3", "rejected", "invalid"),
        (3, "4", "rejected", "too_large"),
        (4, None, "rejected", "invalid"),
        (5, "crm:6", "accepted", None),
    ]
    assert "created_at" in answer["verdicts"][2]["detail"]
    letters = [letter for letter in publisher.of(DEAD_LETTERS) if isinstance(letter, DeadLetter)]
    assert [letter.origin for letter in letters] == ["http:r1:1", "http:r1:2", "http:r1:3", "http:r1:4"]
    assert letters[0].stage == "agent:http" and letters[0].payload == '{"id": '
    labels = {"stage": "agent:http", "reason": "invalid"}
    assert metrics.registry.get_sample_value("molva_dead_letters_total", labels) == 2


async def test_nothing_acceptable_is_422(client: Client, publisher: MemoryPublisher) -> None:
    status, answer = await client.post(b"[1]", Content_Type="application/json")
    assert (status, answer["accepted"], answer["rejected"]) == (422, 0, 1)
    assert len(publisher.of(DEAD_LETTERS)) == 1


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"]
)
async def test_only_the_token_opens(
    client: Client, publisher: MemoryPublisher, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    status, answer = await client.post(encoded(row(1)), token=None, **headers)
    assert (status, answer["error"]) == (401, "unauthorized")
    assert publisher.sent == []


async def test_the_scheme_is_of_any_case(client: Client) -> None:
    assert (await client.post(encoded(row(1)), token=None, Authorization=f"bearer {TOKEN}"))[0] == 202


REFUSED: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("no JSON", b"{", {"Content_Type": "application/json"}, 400, "not_json"),
    ("empty", b"", {"Content_Type": "application/json"}, 400, "not_json"),
    ("no lines", b"\n\n", {"Content_Type": "application/x-ndjson"}, 400, "empty"),
    ("an empty list", b"[]", {"Content_Type": "application/json"}, 400, "empty"),
    ("another type", b"<a/>", {"Content_Type": "text/xml"}, 415, "media_type"),
    ("another encoding", b"x", {"Content_Encoding": "snappy"}, 415, "encoding"),
    ("no gzip", b"x" * 99, {"Content_Encoding": "gzip"}, 400, "encoding"),
    ("cut gzip", gzip.compress(encoded(row(1)))[:-20], {"Content_Encoding": "gzip"}, 400, "encoding"),
    ("too large", b" " * 1_000_001, {}, 413, "too_large"),
    ("a gzip bomb", gzip.compress(b" " * 50_000_000), {"Content_Encoding": "gzip"}, 413, "too_large"),
    ("too many", encoded(*([1] * 51)), {}, 413, "too_many"),
]


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_refusals_say_why(
    client: Client, publisher: MemoryPublisher, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    got, answer = await client.post(body, **headers)
    assert (got, answer["error"]) == (status, error)
    assert len(answer["detail"]) > 10
    assert publisher.sent == []


async def test_gzip_is_taken(client: Client, publisher: MemoryPublisher) -> None:
    assert (await client.post(gzip.compress(encoded(row(1), row(2))), Content_Encoding="gzip"))[0] == 202
    assert len(publisher.of(RAW)) == 2


async def test_without_confirmation_there_is_no_202(
    client: Client, publisher: MemoryPublisher, metrics: Metrics
) -> None:
    publisher.confirming.clear()
    status, answer = await client.post(encoded(row(1)))
    assert (status, answer["error"], client.headers["Retry-After"]) == (503, "not_confirmed", "5")
    publisher.confirming.set()
    publisher.failure = KafkaConnectionError("down")
    assert (await client.post(encoded(row(1))))[0] == 503
    labels = {"agent": "http", "error": "PublishFailed"}
    assert metrics.registry.get_sample_value("molva_agent_errors_total", labels) == 1
    assert metrics.registry.get_sample_value("molva_agent_posts_total", {"agent": "http"}) is None


async def test_a_slow_body_is_given_up(client: Client) -> None:
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    status, answer = await client.post(slow())
    assert (status, answer["error"]) == (408, "too_slow")


async def test_a_rejected_record_does_not_break_the_log(
    client: Client, publisher: MemoryPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    forged = "x\r\nforged: line"
    rows = [
        {"id": forged, "created_at": "a\nb"},
        row(1, source=forged),
        row(2, kind=forged),
        row(3, media=[{forged: 1}]),
        row(4, author={"id": 1, forged: forged}),
        {"id": [forged], "created_at": 1},
        {forged: forged},
    ]
    with caplog.at_level("WARNING", "molva.agent"):
        status, answer = await client.post(json.dumps(rows).encode(), Content_Type="application/json")
    assert (status, answer["rejected"]) == (422, len(rows))
    assert len(caplog.messages) == len(rows)
    assert not [message for message in caplog.messages if "\n" in message or "\r" in message]
    assert len(publisher.of(DEAD_LETTERS)) == len(rows)


async def test_other_paths_and_methods_are_json_too(client: Client) -> None:
    assert (await client.get("/healthz")) == (200, {"status": "ok", "partitions": 2})
    status, answer = await client.get("/v1/posts")
    assert (status, answer["error"]) == (405, "http")
    assert (await client.get("/"))[0] == 404


def test_no_token_is_for_loopback_and_on_request_only() -> None:
    check_exposure("0.0.0.0", "secret", without_token=False)
    check_exposure("127.0.0.1", "", without_token=True)
    check_exposure("localhost", "", without_token=True)
    for host, wish in (("127.0.0.1", False), ("0.0.0.0", True), ("example.org", True), ("", True)):
        with pytest.raises(BadConfiguration, match="MOLVA_HTTP_TOKEN"):
            check_exposure(host, "", without_token=wish)
