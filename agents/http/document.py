"""The OpenAPI document of the HTTP ingest, made from the models that it checks and answers with. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from agents.http.access import CALLER_HEADER, CALLER_QUERY
from agents.http.admission import IngestLimits
from agents.http.answers import Answer, Problem
from agents.http.signature import HEADER, TOLERANCE_SECONDS
from schemas import RawPost

VERSION = "1.0"
REFERENCE = "#/components/schemas/{model}"
SET_HERE = ("schema_version", "collected_at", "timeline")
"""Fields of a raw post that the ingest sets itself."""
MOMENT = {
    "description": "ISO 8601 (without a zone: UTC), or a Unix timestamp in seconds or milliseconds",
    "anyOf": [{"type": "string"}, {"type": "number"}],
}
ID = {"description": "native id at the source, or `<source>:<native id>`", "type": ["string", "integer"]}
NOTES = {
    202: "Kafka has confirmed every accepted record, and the dead letter of every rejected one",
    400: "the body is no JSON, damaged, or holds no record",
    401: "nobody that is known: no or a wrong token, an old or a wrong signature",
    403: "the caller may post none of the records",
    408: "the body came too slowly",
    409: "this very signed body was taken before",
    413: "too many bytes or records",
    415: "another content type or encoding",
    422: "no record was acceptable; the verdicts say why",
    429: "too many requests, or too many bytes, are being processed; come again after Retry-After",
    503: "Kafka did not confirm in time, or the pipeline is behind; come again after Retry-After",
}
WITH_VERDICTS = (202, 403, 422)
WAITS = (429, 503)


def openapi(limits: IngestLimits) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Molva HTTP ingest",
            "version": VERSION,
            "description": f"At most {limits.body_bytes} bytes (decoded) and {limits.records} records in a"
            " request. `Content-Encoding: gzip` is taken. Records with the same id are stored once, so a"
            " request can be sent again.",
        },
        "paths": {
            "/v1/posts": {"post": _posts()},
            "/healthz": {"get": _health()},
            "/openapi.json": {"get": _itself()},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": HEADER,
                    "description": "`t=<Unix seconds>,v1=<hex HMAC-SHA256 of '<t>.<body as sent>'>`, at most"
                    f" {TOLERANCE_SECONDS} s old",
                },
            },
        },
    }


def _posts() -> dict[str, Any]:
    lines = {"schema": {"type": "string", "description": "one Post or Deletion as JSON per line"}}
    caller = {"required": False, "schema": {"type": "string", "maxLength": 64}}
    return {
        "operationId": "post",
        "summary": "Publish posts and deletions",
        "security": [{"token": []}, {"signature": []}],
        "parameters": [
            {"name": CALLER_HEADER, "in": "header", "description": "who signed", **caller},
            {"name": CALLER_QUERY, "in": "query", "description": f"as {CALLER_HEADER}", **caller},
            {
                "name": "Prefer",
                "in": "header",
                "required": False,
                "description": "return=minimal: verdicts of rejected records only",
                "schema": {"type": "string", "enum": ["return=minimal", "return=representation"]},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _named("Body")},
                "application/x-ndjson": lines,
                "application/vnd.kafka.json.v2+json": {"schema": _named("KafkaRecords")},
            },
        },
        "responses": {str(status): _response(status) for status in NOTES},
    }


def _response(status: int) -> dict[str, Any]:
    schema = _named("Answer" if status in WITH_VERDICTS else "Problem")
    response = {"description": NOTES[status], "content": {"application/json": {"schema": schema}}}
    if status in WAITS:
        response["headers"] = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
    return response


def _health() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["status", "partitions"],
        "properties": {"status": {"const": "ok"}, "partitions": {"type": "integer", "minimum": 1}},
    }
    well = {"description": "Kafka is there", "content": {"application/json": {"schema": schema}}}
    ill = {"description": "it is not", "content": {"application/json": {"schema": _named("Problem")}}}
    return {"operationId": "health", "security": [], "responses": {"200": well, "503": ill}}


def _itself() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "describe",
        "security": [],
        "responses": {"200": {"description": "this document", "content": content}},
    }


def _named(model: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model)}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in (Answer, Problem):
        made = TypeAdapter(model).json_schema(ref_template=REFERENCE, mode="serialization")
        schemas |= made.pop("$defs", {}) | {model.__name__: made}
    post = RawPost.model_json_schema(ref_template=REFERENCE)
    schemas |= post.pop("$defs", {})
    for name in SET_HERE:
        del post["properties"][name]
    post["properties"] |= {"id": ID, "native_id": ID, "created_at": MOMENT, "edited_at": MOMENT}
    schemas["Post"] = post | {
        "title": "Post",
        "required": ["created_at"],
        "description": "Without an id its date, author and text make one. Further fields become `extras`.",
    }
    record = {"anyOf": [_named("Post"), _named("Deletion")]}
    many = {"anyOf": [*record["anyOf"], _named("KafkaRecord")]}
    return schemas | {
        "Deletion": _deletion(),
        "KafkaRecord": _kafka_record(),
        "KafkaRecords": _records(_named("KafkaRecord")),
        "Body": {
            "anyOf": [*record["anyOf"], {"type": "array", "minItems": 1, "items": many}, _records(many)]
        },
    }


def _records(items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["records"],
        "properties": {"records": {"type": "array", "minItems": 1, "items": items}},
    }


def _deletion() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "the post was deleted at its source",
        "required": ["deleted", "id"],
        "properties": {
            "deleted": {"const": True},
            "id": ID,
            "source": {"type": "string"},
            "deleted_at": {"description": "default: now", **MOMENT},
        },
    }


def _kafka_record() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "as HTTP sink connectors send it; a value of null deletes the post that the key names",
        "required": ["value"],
        "additionalProperties": False,
        "properties": {
            "key": {"description": "the id of a value without one"},
            "value": {"anyOf": [_named("Post"), _named("Deletion"), {"type": "null"}]},
            "headers": {"description": "`source`: the source of a value that names none"},
            "timestamp": {"type": "integer", "description": "`created_at` of a value without one"},
            "topic": {"type": "string"},
            "partition": {"type": "integer"},
            "offset": {"type": "integer"},
        },
    }
