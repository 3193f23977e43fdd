"""The body of an ingest request -> its records, one by one. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple

from agents.rows import parse_document
from schemas.codec import InvalidRecord

BodyForm = Literal["json", "ndjson", "kafka"]

FORMS: dict[str, BodyForm | None] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/vnd.kafka.json.v2+json": "kafka",
    "application/vnd.kafka.v2+json": "kafka",
    "application/octet-stream": None,  # what aiohttp says where the client says nothing
    "text/plain": None,
    "application/x-www-form-urlencoded": None,  # what curl --data says
}

RECORDS = "records"
ENVELOPE = frozenset(("key", "value", "headers", "topic", "partition", "offset", "timestamp"))
"""The fields of a Kafka record in JSON; ``value`` is always there."""
CONNECT = {"schema", "payload"}
"""The fields of a value that Kafka Connect's JsonConverter writes with its schema."""
LINE = re.compile(rb"\S[^\n]*")


class TooMany(ValueError):
    """The body has more records than it may; none of them was looked at."""


class Entry(NamedTuple):
    """One record of a body: its document, and its line where it has one."""

    document: object
    """Parsed JSON, or the `InvalidRecord` that says why there is none."""
    line: bytes | None = None

    @property
    def payload(self) -> bytes:
        """Its bytes; those of an element of an array as they would be written again."""
        if self.line is not None:
            return self.line
        return json.dumps(self.document, ensure_ascii=False).encode("utf-8", "replace")


def entries_of(body: bytes, form: BodyForm | None, limit: int) -> list[Entry]:
    """Split a body into records: one document, each element of an array, or each line that is not empty.

    Args:
        body: the decoded body.
        form: None: one JSON document if the whole body is one, lines otherwise.
        limit: how many there may be.

    Raises:
        TooMany: there are more.
        InvalidRecord: the body is declared to be one JSON document and is none, or is no list of records.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if form == "ndjson":
        return _lines(body, limit)
    try:
        document = parse_document(body)
    except InvalidRecord:
        if form is not None:
            raise
        return _lines(body, limit)
    if isinstance(document, dict) and isinstance(document.get(RECORDS), list):
        document = document[RECORDS]
    elif form == "kafka":
        raise InvalidRecord("invalid", 'the body is not {"records": [{"key": ..., "value": {...}}]}')
    if isinstance(document, list):
        _require_few(document, limit)
        return [Entry(each) for each in document]
    return [Entry(document, body.strip())]


def unwrapped(document: object) -> object:
    """The row in a Kafka record; any other document as it is.

    The key serves as the id of a value without one, the timestamp as its ``created_at``, the header
    ``source`` as its source. A value of null deletes the post that the key names.
    """
    if not isinstance(document, dict) or "value" not in document or not document.keys() <= ENVELOPE:
        return document
    key, value = _plain(document.get("key")), _plain(document["value"])
    if value is None and isinstance(key, str | int) and not isinstance(key, bool):
        row: dict[str, Any] = {"deleted": True}
    elif isinstance(value, dict):
        row = dict(value)
    else:
        return value
    if row.get("id") is None and row.get("native_id") is None and key is not None:
        row["id"] = key
    if row.get("created_at") is None and document.get("timestamp") is not None:
        row["created_at"] = document["timestamp"]
    source = _header(document.get("headers"), "source")
    if row.get("source") is None and source is not None:
        row["source"] = source
    return row


def _plain(part: object) -> object:
    """A key or value without the schema that Kafka Connect may have put around it."""
    return part["payload"] if isinstance(part, dict) and part.keys() == CONNECT else part


def _header(headers: object, name: str) -> object:
    """A header of a Kafka record: an object, or a list of ``{"key": ..., "value": ...}``."""
    if isinstance(headers, dict):
        return _plain(headers.get(name))
    for each in headers if isinstance(headers, list) else ():
        if isinstance(each, dict) and each.get("key") == name:
            return _plain(each.get("value"))
    return None


def _lines(body: bytes, limit: int) -> list[Entry]:
    lines = [found[0] for found in islice(LINE.finditer(body), limit + 1)]
    _require_few(lines, limit)
    return [_line(line) for line in lines]


def _require_few(records: Sequence[object], limit: int) -> None:
    if len(records) > limit:
        raise TooMany(f"more than {limit} records in a request")


def _line(line: bytes) -> Entry:
    try:
        return Entry(parse_document(line), line)
    except InvalidRecord as error:
        return Entry(error, line)
