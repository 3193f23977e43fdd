"""One conditional request for a feed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import httpx

from agents.base import Refused
from agents.rss.feed_document import NotAFeed, looks_like_feed
from agents.rss.feeds import Feed
from agents.web import Validators, Web

MAX_BYTES = 5 * 1024 * 1024
ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1"
XML_TYPE = re.compile(r"^(?:text|application)/(?:[\w.+-]*\+)?xml$")
UNTYPED = ("", "text/plain", "text/html", "application/octet-stream", "application/rss", "application/atom")


class Answer(NamedTuple):
    """A new version of a feed document."""

    body: bytes
    content_type: str
    url: str
    validators: Validators
    headers: Mapping[str, str]
    server_time: datetime | None = None
    """What its clock said when it answered (`Date`, and the `Age` that a cache adds); None: not told."""


class Unchanged(NamedTuple):
    """The document is as it was."""

    server_time: datetime | None = None


async def fetch(
    web: Web, feed: Feed, known: Validators, *, max_bytes: int = MAX_BYTES, any_type: bool = False
) -> Answer | Unchanged:
    """Ask for a feed, once: whoever polls it asks again. ``any_type``: of a document that need be none.

    Raises:
        Refused: an HTTP error, or a host that is left alone for now.
        NotAFeed: another kind of document.
        SourceUnavailable: no answer, or one that is too large or damaged.
        Forbidden: an address that agents may not ask.
    """
    headers = {"Accept": ACCEPT, **known.headers, **feed.headers}
    reply = await web.get(str(feed.url), headers=headers, max_bytes=max_bytes, retries=0)
    if reply.status == httpx.codes.NOT_MODIFIED:
        return Unchanged(reply.server_time)
    if reply.status != httpx.codes.OK:
        raise Refused(f"HTTP {reply.status}", None)
    content_type = reply.headers.get("Content-Type", "")
    if not any_type:
        _check_type(content_type, reply.body)
    return Answer(reply.body, content_type, reply.url, reply.validators, reply.headers, reply.server_time)


def _check_type(content_type: str, body: bytes) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if XML_TYPE.match(kind) or (kind in UNTYPED and looks_like_feed(body)):
        return
    raise NotAFeed(f"the answer is {kind or 'of no type'} and does not look like a feed")
