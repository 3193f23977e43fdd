"""An answer to a request, and what its headers say about time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Self

import httpx

from agents.charsets import decoded, header_charset
from agents.web.refusals import Unusable, shown

LONGEST_RETRY_AFTER = timedelta(days=1)
LONGEST_AGE = 10**9
EXCERPT = 80
LONGEST_VALIDATOR = 512


class Validators(NamedTuple):
    """What a server wants to hear again to answer "not modified"; of an old cursor, perhaps not sendable."""

    etag: str = ""
    modified: str = ""

    @classmethod
    def of(cls, headers: httpx.Headers) -> Self:
        """Those of an answer, as far as they can be sent back."""
        return cls(_sendable(headers.get("ETag", "")), _sendable(headers.get("Last-Modified", "")))

    @property
    def headers(self) -> dict[str, str]:
        """Of a conditional request; without what cannot be sent: then the answer is whole, and its own."""
        given = {"If-None-Match": _sendable(self.etag), "If-Modified-Since": _sendable(self.modified)}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of any status but 429 and 5xx, which are errors.

    Attributes:
        body: decoded from its transfer compression, within the limit of the request.
        url: where the answer came from after redirects; it may hold a token, so do not log it.
        server_time: what the server's clock said (``Date``, and the ``Age`` that a cache adds), if told.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    server_time: datetime | None = None

    @property
    def validators(self) -> Validators:
        """For the next request of the same document."""
        return Validators.of(self.headers)

    @property
    def text(self) -> str:
        """The body as text, in the charset that it is said to have, else UTF-8; never an error."""
        return decoded(self.body, header_charset(self.headers.get("Content-Type", "")))

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            SourceUnavailable: it is not JSON; the message has its beginning.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            begins = self.body[:EXCERPT].decode("utf-8", "replace")
            raise Unusable(f"{shown(self.url)} gave no JSON (HTTP {self.status}): {begins!r}") from error


def _sendable(value: str) -> str:
    """A header that a server sent, if it may be sent back: printable ASCII, not too long; else nothing."""
    return value if value.isascii() and value.isprintable() and len(value) <= LONGEST_VALIDATOR else ""


def server_time(headers: httpx.Headers) -> datetime | None:
    """When the server answered, by its own clock."""
    moment, age = _date(headers.get("Date", "")), headers.get("Age", "").strip()
    if moment is None or not age.isdecimal():
        return moment
    return moment + timedelta(seconds=min(int(age[:10]), LONGEST_AGE))


def retry_after(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """How long the server wants to be left alone: seconds, or an HTTP date by its clock; at most a day."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        wait = timedelta(seconds=min(int(value[:10]), 10**9))
    elif (moment := _date(value)) is not None:
        wait = moment - (server_time(headers) or now)
    else:
        return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def _date(value: str) -> datetime | None:
    """An HTTP date; None where it is none, or of no year in which this is read."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 1970 < moment.year < 9000 else None
