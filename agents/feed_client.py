"""One conditional, bounded HTTP request for a feed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx

from agents.base import BrokenInput, SourceUnavailable
from agents.compression import BoundedInflater, TooLarge
from agents.feed_entries import NotAFeed, looks_like_feed

MAX_BYTES = 5 * 1024 * 1024
MAX_REDIRECTS = 5
TIMEOUT = httpx.Timeout(10.0, read=20.0)
LONGEST_RETRY_AFTER = timedelta(days=1)
USER_AGENT = "Molva/0.1 (feed reader)"
XML_TYPE = re.compile(r"^(?:text|application)/(?:[\w.+-]*\+)?xml$")
UNTYPED = ("", "text/plain", "text/html", "application/octet-stream", "application/rss", "application/atom")


class Validators(NamedTuple):
    """What a server wants to hear again to answer "not modified"."""

    etag: str = ""
    modified: str = ""


class Answer(NamedTuple):
    """A new version of a feed document."""

    body: bytes
    content_type: str
    url: str
    validators: Validators
    server_time: datetime | None = None
    """What its clock said when it answered (`Date`, and the `Age` that a cache adds); None: not told."""


class Unchanged(NamedTuple):
    """The document is as it was."""

    server_time: datetime | None = None


class Refused(SourceUnavailable):
    """The server answered with an error; ``retry_after`` is when it wants to be asked again, if it says."""

    def __init__(self, message: str, retry_after: timedelta | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def feed_client() -> httpx.AsyncClient:
    """A client for feeds: few redirects, short timeouts, only encodings that are decoded within limits."""
    return httpx.AsyncClient(
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        headers={
            "User-Agent": USER_AGENT,
            "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1",
            "Accept-Encoding": "gzip, deflate",
        },
    )


async def fetch(client: httpx.AsyncClient, url: str, known: Validators, now: datetime) -> Answer | Unchanged:
    """Ask for a feed.

    Raises:
        Refused: an HTTP error.
        NotAFeed: another kind of document, too large a one, or a damaged one.
        SourceUnavailable: no answer.
    """
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    try:
        async with client.stream("GET", url, headers={k: v for k, v in headers.items() if v}) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Unchanged(_server_time(response))
            if response.status_code != httpx.codes.OK:
                raise Refused(f"HTTP {response.status_code}", _retry_after(response, now))
            body = await _body(response)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceUnavailable(f"{type(error).__name__}: {error}") from error
    content_type = response.headers.get("Content-Type", "")
    _check_type(content_type, body)
    validators = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
    return Answer(body, content_type, str(response.url), validators, _server_time(response))


async def _body(response: httpx.Response) -> bytes:
    """The body, decoded, never more than `MAX_BYTES` of it."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise NotAFeed(f"the answer is encoded as {encoding}, which was not asked for")
    inflater = None if encoding == "identity" else BoundedInflater(MAX_BYTES)
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += inflater.feed(chunk) if inflater is not None else chunk
            if len(body) > MAX_BYTES:
                raise TooLarge(f"the document is larger than {MAX_BYTES} bytes")
        if inflater is not None:
            inflater.finish()
    except (TooLarge, BrokenInput) as error:
        raise NotAFeed(str(error)) from error
    return bytes(body)


def _check_type(content_type: str, body: bytes) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if XML_TYPE.match(kind) or (kind in UNTYPED and looks_like_feed(body)):
        return
    raise NotAFeed(f"the answer is {kind or 'of no type'} and does not look like a feed")


def _server_time(response: httpx.Response) -> datetime | None:
    age = response.headers.get("Age", "0").strip()
    try:
        moment = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(seconds=min(int(age), 10**9) if age.isdecimal() else 0)


def _retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        wait = timedelta(seconds=min(int(value), 10**9))
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)
