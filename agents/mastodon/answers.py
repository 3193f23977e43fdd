"""What answers of an instance hold: documents, lists of posts, errors, links, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from agents.web import Reply, Unusable
from schemas.codec import InvalidRecord, parse_json

_LINK: Final = re.compile(r"<([^<>]*)>\s*;\s*rel=\"?prev\"?")

Status = dict[str, Any]


def json_of(reply: Reply) -> Any:
    """The JSON of an answer, without the lone surrogates that no text may hold."""
    try:
        return parse_json(reply.body)
    except InvalidRecord:
        return reply.json()  # says in its error where it came from


def error_of(reply: Reply) -> str:
    """What the server says of an error."""
    try:
        document = reply.json()
    except Unusable:
        return ""
    told = document.get("error") if isinstance(document, dict) else None
    return told[:200] if isinstance(told, str) else ""


def statuses_of(found: Any, where: str) -> list[Status]:
    """The posts of a list.

    Raises:
        Unusable: it is none.
    """
    if not isinstance(found, list):
        raise Unusable(f"{where} gave no list of posts")
    return [each for each in found if isinstance(each, dict) and each.get("id")]


def newer_than(headers: httpx.Headers) -> list[str]:
    """The id from which the header Link goes on to newer posts; it is never followed as an address."""
    found = _LINK.search(headers.get("Link", ""))
    try:
        after = httpx.URL(found[1]).params.get("min_id") if found else None
    except httpx.InvalidURL:
        return []
    return [after] if after else []


def moment_of(text: str) -> datetime | None:
    """A moment; None where there is none that can be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
