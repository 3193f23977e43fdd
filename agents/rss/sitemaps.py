"""XML sitemaps (sitemaps.org, Google's news extension) -> new addresses of a site. Pure, but `read_all`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

from agents.base import BrokenInput, Found, SourceUnavailable
from agents.compression import BoundedInflater, TooLarge
from agents.html import plain_text
from agents.rss.feed_entries import ENTITY_DECLARATION, Entry, NotAFeed, key_of
from agents.rss.feeds import Feed
from agents.web import Forbidden, Web
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

MAX_BYTES: Final = 16 * 1024 * 1024
WINDOW: Final = timedelta(days=3)
"""Addresses that are dated before it are not looked at."""
FIRST: Final = timedelta(days=1)
"""Of a sitemap that is new to the agent, addresses that are dated within it are published."""
MOST_DATED: Final = 1000
MOST_UNDATED: Final = 2000
MOST_SITEMAPS: Final = 20
"""Of an index, in one look: those that changed last."""
GZIP: Final = b"\x1f\x8b"


class Place(NamedTuple):
    """One address of a sitemap, or one sitemap of an index."""

    url: str
    modified: datetime | None = None
    title: str = ""
    publication: str = ""
    language: str = ""
    published: datetime | None = None
    """Of news."""

    @property
    def moment(self) -> datetime | None:
        return self.published or self.modified


class Sitemap(NamedTuple):
    """A document: ``is_index`` where it names further sitemaps."""

    is_index: bool
    places: list[Place]


def parse(body: bytes) -> Sitemap:
    """Read a sitemap.

    Raises:
        NotAFeed: it is none, or declares entities.
    """
    body = _inflated(body)
    if ENTITY_DECLARATION.search(body) or ENTITY_DECLARATION.search(body.replace(b"\x00", b"")):
        raise NotAFeed("the sitemap declares XML entities; it is not read")
    try:
        elements = ElementTree.iterparse(io.BytesIO(body), events=("start", "end"))
        _, root = next(iter(elements))
        kind = _name(root)
        if kind not in ("urlset", "sitemapindex"):
            raise NotAFeed(f"no sitemap: the root element is {kind[:40]!r}")
        places: list[Place] = []
        for event, element in elements:
            if event == "end" and _name(element) in ("url", "sitemap"):
                places += _places(element)
                root.clear()
    except (ElementTree.ParseError, StopIteration, ValueError, LookupError) as error:
        raise NotAFeed(f"the sitemap is no XML: {error}") from error
    return Sitemap(kind == "sitemapindex", places)


async def read_all(web: Web, feed: Feed, sitemap: Sitemap, since: datetime) -> list[Place]:
    """The addresses of a sitemap; of an index, those of its sitemaps that changed since ``since``.

    Raises:
        SourceUnavailable: none of the sitemaps of an index can be read.
    """
    if not sitemap.is_index:
        return sitemap.places
    changed = [each for each in sitemap.places if each.modified is None or each.modified >= since]
    newest = sorted(changed, key=lambda each: each.modified or since, reverse=True)[:MOST_SITEMAPS]
    found: list[Place] = []
    failure: Exception | None = None
    for each in newest:
        try:
            reply = await web.get(each.url, max_bytes=MAX_BYTES, retries=1)
            inner = parse(reply.body) if reply.status == 200 else Sitemap(False, [])
        except (SourceUnavailable, Forbidden) as error:
            failure = error
            continue
        found += [] if inner.is_index else inner.places
    if failure is not None and not found:
        raise SourceUnavailable(f"no sitemap of the index can be read: {failure}") from failure
    return found


def entries(places: list[Place], feed: Feed, *, collected_at: datetime, first: bool) -> list[Entry]:
    """What is to be published of a sitemap, oldest first; posts without news titles have no text yet.

    Args:
        first: the sitemap is new to the agent: what is old, or of no date, is only remembered.
    """
    since = collected_at - WINDOW
    dated = sorted(
        (each for each in places if each.moment is not None and each.moment >= since),
        key=lambda each: each.moment or since,
    )[-MOST_DATED:]
    undated = [each for each in places if each.moment is None][:MOST_UNDATED]
    made = []
    for place in [*undated, *dated]:
        entry = _entry(place, feed, collected_at)
        old = place.moment is None or place.moment < collected_at - FIRST
        if entry is not None:
            made.append(entry._replace(baseline=first and old))
    return made


def _entry(place: Place, feed: Feed, collected_at: datetime) -> Entry | None:
    moment = place.moment or collected_at
    document = {
        "source": feed.source,
        "native_id": place.url[:300],
        "url": place.url,
        "channel": {
            "id": str(feed.url),
            "name": feed.name or place.publication or str(feed.url.host),
            "kind": feed.kind,
            "own": feed.own,
        },
        "created_at": min(moment, collected_at),
        "collected_at": collected_at,
        "text": place.title,
        "language": place.language[:16] or None,
        "timeline": LIVE,
    }
    try:
        return Entry(key_of(place.url), Found(validate(RawPost, document), f"{feed.url}#{place.url}"))
    except InvalidRecord:
        return None


def _places(element: ElementTree.Element) -> Iterator[Place]:
    said = {_name(each): (each.text or "").strip() for each in element.iter()}
    url = said.get("loc", "")
    if urlsplit(url).scheme in ("http", "https") and len(url) <= 2048:
        yield Place(
            url,
            _moment(said.get("lastmod", "")),
            plain_text(said.get("title", "")) if "publication_date" in said or "news" in said else "",
            said.get("name", ""),
            said.get("language", ""),
            _moment(said.get("publication_date", "")),
        )


def _moment(text: str) -> datetime | None:
    """A W3C date (``2026-11-21``, ``2026-11-21T12:00+03:00``); without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _inflated(body: bytes) -> bytes:
    if not body.startswith(GZIP):
        return body
    inflater = BoundedInflater(MAX_BYTES)
    try:
        whole = inflater.feed(body)
        inflater.finish()
    except (TooLarge, BrokenInput) as error:
        raise NotAFeed(f"the sitemap cannot be unpacked: {error}") from error
    return whole
