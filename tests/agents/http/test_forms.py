"""Bodies of other shapes: Kafka Connect's records, deletions, revisions, answers without verdicts."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.http.entries import TooMany, entries_of
from agents.manual_time import NOON
from pipeline.metrics import Metrics
from pipeline.topics import DEAD_LETTERS, DELETED, RAW
from schemas import Deletion, RawPost
from tests.agents.http.serving import encoded, row, served
from tests.agents.memory_publisher import MemoryPublisher

KAFKA = "application/vnd.kafka.json.v2+json"


async def posted(
    publisher: MemoryPublisher, document: Any, kind: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    async with served(publisher) as client:
        return await client.post(json.dumps(document).encode(), Content_Type=kind)


def posts(publisher: MemoryPublisher) -> list[RawPost]:
    return [record for record in publisher.of(RAW) if isinstance(record, RawPost)]


async def test_records_of_kafkas_rest_format(publisher: MemoryPublisher) -> None:
    document = {"records": [{"key": "k1", "value": row(1)}, {"value": row(2)}]}
    status, answer = await posted(publisher, document, KAFKA)
    assert (status, answer["accepted"]) == (202, 2)
    assert [post.id for post in posts(publisher)] == ["crm:1", "crm:2"]
    status, answer = await posted(publisher, document)
    assert (status, answer["accepted"]) == (202, 2), "also where the connector calls it plain JSON"


async def test_an_array_of_records_as_http_sinks_send_it(publisher: MemoryPublisher) -> None:
    bare = {"text": "без номера"}
    document = [
        {"topic": "t", "partition": 0, "offset": 7, "key": "17", "value": bare | {"source": "crm"},
         "timestamp": 1795000000000},
        {"key": {"schema": {"type": "int64"}, "payload": 18}, "timestamp": 1795000000000,
         "value": {"schema": {"type": "struct"}, "payload": bare}, "headers": {"source": "crm"}},
        {"key": "19", "value": row(3), "headers": [{"key": "source", "value": "other"}]},
        {"key": "20", "value": bare, "timestamp": 1795000000000,
         "headers": [{"key": "a", "value": "b"}, {"key": "source", "value": "shop"}]},
    ]  # fmt: skip
    status, answer = await posted(publisher, document)
    assert (status, answer["rejected"]) == (202, 0), answer
    assert [post.id for post in posts(publisher)] == ["crm:17", "crm:18", "crm:3", "shop:20"]
    assert posts(publisher)[0].created_at == datetime.fromtimestamp(1795000000, UTC)
    assert all(post.extras == {} for post in posts(publisher)), "the envelope is none of the post"


async def test_one_record_per_line(publisher: MemoryPublisher) -> None:
    async with served(publisher) as client:
        body = encoded({"key": "1", "value": row(1)}, row(2))
        assert (await client.post(body, Content_Type="application/x-ndjson"))[0] == 202
    assert [post.id for post in posts(publisher)] == ["crm:1", "crm:2"]


async def test_a_tombstone_deletes_the_post_of_its_key(publisher: MemoryPublisher) -> None:
    document = {"records": [{"key": "http:5", "value": None}, {"key": "6", "value": None}, {"value": None}]}
    status, answer = await posted(publisher, document, KAFKA)
    assert (status, answer["accepted"], answer["rejected"]) == (202, 2, 1)
    assert [record.key for record in publisher.of(DELETED)] == ["http:5", "http:6"]


@pytest.mark.parametrize("document", [[], {}, {"records": 1}, [row(1)], "text", None])
async def test_what_is_no_kafka_body(publisher: MemoryPublisher, document: Any) -> None:
    status, answer = await posted(publisher, document, KAFKA)
    assert (status, answer["error"]) == (400, "invalid")


async def test_a_field_called_value_is_no_envelope(publisher: MemoryPublisher) -> None:
    status, _ = await posted(publisher, row(1, value={"text": "x"}, key="k"))
    assert status == 202
    assert posts(publisher)[0].extras == {"value": {"text": "x"}, "key": "k"}


async def test_deletions(publisher: MemoryPublisher, metrics: Metrics) -> None:
    body = encoded(
        {"deleted": True, "id": "crm:1", "source": "crm", "deleted_at": "2026-11-21T11:00:00Z"},
        {"deleted": True, "id": 2, "source": "crm", "deleted_at": 1795255200},
        {"deleted": True, "native_id": "3"},
        {"deleted": True, "source": "crm"},
        {"deleted": True, "id": "4", "deleted_at": "2030-01-01T00:00:00Z"},
        {"deleted": True, "id": "5", "deleted_at": "soon"},
        row(6, deleted=False),
    )
    async with served(publisher, metrics) as client:
        status, answer = await client.post(body, Content_Type="application/x-ndjson")
    assert (status, answer["accepted"], answer["rejected"]) == (202, 4, 3)
    gone = [record for record in publisher.of(DELETED) if isinstance(record, Deletion)]
    assert [(each.id, each.native_id) for each in gone] == [("crm:1", "1"), ("crm:2", "2"), ("http:3", "3")]
    assert gone[0].deleted_at == datetime(2026, 11, 21, 11, tzinfo=UTC)
    assert (gone[2].deleted_at, gone[2].collected_at) == (NOON, NOON)
    assert [verdict.get("reason") for verdict in answer["verdicts"][3:6]] == [
        "invalid",
        "implausible_time",
        "invalid",
    ]
    assert len(publisher.of(DEAD_LETTERS)) == 3
    sample = metrics.registry.get_sample_value
    assert sample("molva_agent_deletions_total", {"agent": "http"}) == 3
    assert sample("molva_agent_posts_total", {"agent": "http"}) == 1


async def test_revisions(publisher: MemoryPublisher) -> None:
    edited = "2026-11-21T11:59:30.5Z"
    document = [
        row(1),
        row(1, text="исправлено", edited_at=edited),
        row(2, edited_at=edited, revision=7),
        row(3, edited_at=row(3)["created_at"]),
        row(4, edited_at=None),
    ]
    status, _ = await posted(publisher, document)
    moment = datetime.fromisoformat(edited)
    assert status == 202
    assert [post.revision for post in posts(publisher)] == [0, round(moment.timestamp() * 1000), 7, 0, 0]
    assert posts(publisher)[1].edited_at == moment
    assert posts(publisher)[0].id == posts(publisher)[1].id


async def test_a_minimal_answer_tells_of_rejected_records_only(publisher: MemoryPublisher) -> None:
    async with served(publisher) as client:
        body = encoded(row(1), 7, row(3))
        _, answer = await client.post(body, Content_Type="application/x-ndjson", Prefer="return=minimal")
    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    assert [verdict["index"] for verdict in answer["verdicts"]] == [1]


@pytest.mark.parametrize(
    "body", [b"x\n" * 4_000_000, b"\n" * 8_000_000 + b"1\n2\n3\n", b" \n \n1\r\n\n2\n" * 9]
)
def test_too_many_lines_are_refused_before_any_is_looked_at(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooMany, match="more than 2 records"):
            entries_of(body, "ndjson", 2)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_lines_may_be_as_many_as_allowed() -> None:
    found = entries_of(b"\r\n 1\r\n\n2 \n\n\t\n3", "ndjson", 3)
    assert [each.document for each in found] == [1, 2, 3]
