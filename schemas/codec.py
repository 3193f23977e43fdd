"""Bytes <-> records: UTF-8 JSON values, CloudEvents 1.0 headers (Kafka binding, binary mode)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from schemas.base import Record
from schemas.dead_letter import Reason
from schemas.exact import exact_validator

Headers = list[tuple[str, bytes]]

_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", b"application/json")
R = TypeVar("R", bound=Record)


class Message(NamedTuple):
    """What goes to Kafka for one record; only foreign producers leave the key out."""

    key: bytes | None
    value: bytes
    headers: Headers


class InvalidRecord(ValueError):
    """Bytes that are not the expected record; ``reason`` and ``detail`` are those of its dead letter."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


@cache
def _version(model: type[Record]) -> int:
    return int(model.model_fields["schema_version"].default)


def event_type(record: Record | type[Record]) -> str:
    """The CloudEvents type of a record, e.g. ``molva.post.v1``."""
    version = _version(record) if isinstance(record, type) else record.schema_version
    return f"molva.{record.TYPE}.v{version}"


@lru_cache(64)
def _type_header(name: str, version: int) -> tuple[str, bytes]:
    return "ce_type", f"molva.{name}.v{version}".encode()


def encode(record: Record) -> Message:
    """Encode a record as key, value and headers."""
    headers: Headers = [
        _SPECVERSION,
        ("ce_id", record.event_id.encode()),
        _type_header(record.TYPE, record.schema_version),
        ("ce_source", record.event_source.encode()),
        ("ce_time", record.event_time.isoformat().encode()),
        _CONTENT_TYPE,
    ]
    # `model_dump_json` does the same, and makes a string of it on the way
    return Message(record.key.encode(), record.__pydantic_serializer__.to_json(record), headers)


def decode(model: type[R], value: bytes | None) -> R:
    """Parse a record's value.

    Lone surrogates (``"\\ud800"`` in JSON) are replaced by U+FFFD instead of failing the record.

    Raises:
        InvalidRecord: the bytes are no JSON, or break the schema; the reason says which.
    """
    if value is None:
        raise InvalidRecord("not_json", "the record has no value")
    try:
        exact: R = exact_validator(model).validate_json(value)
        return exact
    except ValidationError:
        return _decode_any(model, value)


def _decode_any(model: type[R], value: bytes) -> R:
    """Parse what is not written exactly as the contract has it, or is broken."""
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        if error.errors()[0]["type"] != "json_invalid":
            raise InvalidRecord(*_explain(error)) from error
    return validate(model, parse_json(value))


def parse_json(value: bytes) -> Any:
    """Parse JSON leniently about lone surrogates and strictly about all else.

    Raises:
        InvalidRecord: the bytes are no JSON document.
    """
    try:
        return _without_surrogates(json.loads(value))
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("not_json", f"not JSON: {error}") from error


def validate(model: type[R], document: object) -> R:
    """Build a record from parsed JSON.

    Raises:
        InvalidRecord: the document breaks the schema.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidRecord(*_explain(error)) from error


def header(headers: Iterable[tuple[str, bytes | None]] | None, name: str) -> str | None:
    """The value of a header; None where it is absent or null."""
    for key, value in headers or ():
        if key == name and value is not None:
            return value.decode("utf-8", errors="replace")
    return None


def _explain(error: ValidationError) -> tuple[Reason, str]:
    parts = []
    reason: Reason = "invalid"
    for item in error.errors(include_url=False, include_input=False)[:5]:
        where = ".".join(str(step) for step in item["loc"])
        parts.append(f"{where}: {item['msg']}" if where else item["msg"])
        if item["type"] in {"string_too_long", "too_long"} or "the limit is" in item["msg"]:
            reason = "too_large"
        elif not where and "created_at" in item["msg"]:
            reason = "implausible_time"
    return reason, "; ".join(parts)


def _without_surrogates(document: Any) -> Any:
    match document:
        case str():
            return document.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_without_surrogates(item) for item in document]
        case dict():
            return {_without_surrogates(key): _without_surrogates(value) for key, value in document.items()}
    return document
