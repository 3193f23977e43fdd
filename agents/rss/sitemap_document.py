"""The bytes of an XML sitemap (sitemaps.org, Google's news extension) -> its addresses. Pure, and slow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple
from xml.etree import ElementTree

from agents.base import BrokenInput
from agents.compression import BoundedInflater, TooLarge
from agents.html import plain_text
from agents.rss.feed_document import ENTITY_DECLARATION, NotAFeed

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ELEMENTS: Final = 400_000
"""The 50,000 addresses that sitemaps.org allows, with eight elements each."""
MAX_ADDRESS: Final = 2048
MAX_TITLE: Final = 2000
MAX_NAME: Final = 200
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
    first: bool = False
    """True: its sitemap is new to the agent."""

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
        NotAFeed: it is none, is too large, or declares entities.
    """
    body = _inflated(body)
    if ENTITY_DECLARATION.search(body) or ENTITY_DECLARATION.search(body.replace(b"\x00", b"")):
        raise NotAFeed("the sitemap declares XML entities; it is not read")
    try:
        return _parsed(body)
    except (ElementTree.ParseError, StopIteration, ValueError, LookupError) as error:
        raise NotAFeed(f"the sitemap is no XML: {error}") from error


def _parsed(body: bytes) -> Sitemap:
    elements = ElementTree.iterparse(io.BytesIO(body), events=("start", "end"))
    _, root = next(elements)
    if (kind := _name(root)) not in ("urlset", "sitemapindex"):
        raise NotAFeed(f"no sitemap: the root element is {kind[:40]!r}")
    places: list[Place] = []
    count = depth = 0
    for event, element in elements:
        if event == "start":
            count, depth = count + 1, depth + 1
            if count > MAX_ELEMENTS:
                raise NotAFeed(f"the sitemap has more than {MAX_ELEMENTS} elements; it is not read")
            continue
        depth -= 1
        if depth == 0:
            if _name(element) in ("url", "sitemap"):
                places += _places(element)
            root.clear()
    return Sitemap(kind == "sitemapindex", places)


def _places(element: ElementTree.Element) -> Iterator[Place]:
    said = _texts(element)
    news = next((each for each in element if _name(each) == "news"), None)
    told = {} if news is None else _texts(news.iter())
    url = said.get("loc", "")
    if url.lower().startswith(("http://", "https://")) and len(url) <= MAX_ADDRESS:
        yield Place(
            url,
            _moment(said.get("lastmod", "")),
            plain_text(told.get("title", "")[:MAX_TITLE]),
            told.get("name", "")[:MAX_NAME],
            told.get("language", ""),
            _moment(told.get("publication_date", "")),
        )


def _texts(elements: Iterable[ElementTree.Element]) -> dict[str, str]:
    """The texts of elements by name; of several the first."""
    texts: dict[str, str] = {}
    for each in elements:
        texts.setdefault(_name(each), (each.text or "").strip())
    return texts


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
