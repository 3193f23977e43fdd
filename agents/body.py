"""The body of an ingest request -> its records, one by one. Pure."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from agents.rows import parse_document
from schemas.codec import InvalidRecord

BodyForm = Literal["json", "ndjson"]

FORMS: dict[str, BodyForm | None] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/octet-stream": None,  # what aiohttp says where the client says nothing
    "text/plain": None,
    "application/x-www-form-urlencoded": None,  # what curl --data says
}


class Entry(NamedTuple):
    """One record of a body: its bytes (of an array: as they would be written again) and its document."""

    payload: bytes
    document: object
    """Parsed JSON, or the `InvalidRecord` that says why there is none."""


def entries_of(body: bytes, form: BodyForm | None) -> list[Entry]:
    """Split a body into records: one document, each element of an array, or each line that is not empty.

    Args:
        body: the decoded body.
        form: None: one JSON document if the whole body is one, lines otherwise.

    Raises:
        InvalidRecord: the body is declared to be one JSON document and is none.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    if form == "ndjson":
        return _lines(body)
    try:
        document = parse_document(body)
    except InvalidRecord:
        if form == "json":
            raise
        return _lines(body)
    if isinstance(document, list):
        return [Entry(json.dumps(each, ensure_ascii=False).encode(), each) for each in document]
    return [Entry(body.strip(), document)]


def _lines(body: bytes) -> list[Entry]:
    return [_line(line) for line in body.split(b"\n") if line.strip()]


def _line(line: bytes) -> Entry:
    try:
        return Entry(line, parse_document(line))
    except InvalidRecord as error:
        return Entry(line, error)
