"""The contract of the topics against the last release: readers and producers of it must go on working."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.topics import TOPICS
from schemas import RawPost, Record
from schemas.codec import encode, validate
from schemas.compatibility import breaks, demands
from schemas.export import asyncapi, file_name, json_schema

RELEASED = Path(__file__).parents[2] / "schemas" / "released"
RECORDS = sorted({record for topic in TOPICS for record in topic.records}, key=lambda record: record.TYPE)


def released(record: type[Record], mode: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RELEASED / mode / file_name(record)).read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.TYPE)
def test_readers_of_the_last_release_understand_this_one(record: type[Record]) -> None:
    assert breaks(released(record, "read"), json_schema(record)) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.TYPE)
def test_producers_of_the_last_release_are_understood(record: type[Record]) -> None:
    assert demands(released(record, "write"), record.model_json_schema(mode="validation")) == []


OLD = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string"},
        "kind": {"type": "string", "enum": ["post", "comment"]},
        "rating": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "author": {"$ref": "#/$defs/Author"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "$defs": {"Author": {"type": "object", "properties": {"name": {"type": "string"}}}},
}


def changed(**properties: Any) -> dict[str, Any]:
    return {**OLD, "properties": {**OLD["properties"], **properties}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("new", "complaint"),
    [
        ({**OLD, "properties": {"id": {"type": "string"}}}, "kind: is gone"),
        (changed(id={"type": "integer"}), "id: type 'string' became 'integer'"),
        (changed(kind={"type": "string", "enum": ["post", "comment", "story"]}), "may now be 'story'"),
        (changed(kind={"type": "string"}), "any value"),
        (changed(id={"anyOf": [{"type": "string"}, {"type": "null"}]}), "may now be of type 'null'"),
        ({**OLD, "required": ["id"]}, "kind: was always there and is now optional"),
        ({**OLD, "$defs": {"Author": {"type": "object", "properties": {}}}}, "author.name: is gone"),
        (changed(tags={"type": "array", "items": {"type": "integer"}}), "tags[]: type"),
    ],
)
def test_a_breaking_change_is_named(new: dict[str, Any], complaint: str) -> None:
    assert any(complaint in line for line in breaks(OLD, new)), breaks(OLD, new)


def test_new_fields_and_narrower_values_break_nobody() -> None:
    assert breaks(OLD, changed(extra={"type": "string"})) == []
    assert breaks(OLD, changed(rating={"type": "number"})) == []
    assert demands(OLD, {**OLD, "required": ["id", "kind", "url"]}) == [
        "url: is required now, producers of the last release may not send it"
    ]


def test_schemas_are_valid_and_hold_for_real_records() -> None:
    for record in RECORDS:
        Draft202012Validator.check_schema(json_schema(record))
    post = validate(
        RawPost,
        {
            "source": "vk",
            "native_id": "1",
            "created_at": "2026-03-02T10:00:00Z",
            "collected_at": "2026-03-02T10:00:00Z",
            "author": {"id": "7", "created_at": "2020-01-01T00:00:00Z"},
            "media": [{"kind": "photo"}],
        },
    )
    Draft202012Validator(json_schema(RawPost)).validate(json.loads(encode(post).value))


def test_asyncapi_names_every_topic_and_message() -> None:
    document = asyncapi(TOPICS, "1.2.3", {topic.name: 4 for topic in TOPICS})
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            kind, _, name = message["$ref"].removeprefix("#/").partition("/")[2].partition("/")
            assert name in document["components"][kind]
        assert channel["bindings"]["kafka"]["partitions"] == 4
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
