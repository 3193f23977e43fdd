"""The bytes of an RSS or Atom document -> its posts. Pure (and slow: run it in a thread)."""

from __future__ import annotations

import hashlib
from calendar import timegm
from datetime import UTC, datetime
from typing import Any, NamedTuple

from agents.base import Found, Rejected
from agents.html import plain_text
from agents.rss.feed_document import NotAFeed, document_of
from agents.rss.feed_parser import parsed
from agents.rss.feeds import Feed
from schemas import RawPost
from schemas.base import LIVE
from schemas.codec import InvalidRecord, validate

PAGES = ("text/html", "application/xhtml+xml")
YANDEX = ("turbo_content", "yandex_full-text")
"""Where feeds for Yandex' services have whole texts."""
MAX_NATIVE_ID = 300
MAX_TAGS = 32


class Entry(NamedTuple):
    """One entry; ``key`` tells it from the others of its feed, also over restarts."""

    key: str
    item: Found | Rejected
    digest: str = ""
    """Of what it says, to tell an edited one; empty where edits are not looked at."""
    updated: datetime | None = None
    """When it was last edited, if the feed tells."""
    dated: bool = True
    """Whether the feed tells when it was published."""
    baseline: bool = False
    """True: it was there before the agent began, and nothing tells of when: remembered, not published."""


def digest_of(*parts: str) -> str:
    """A short digest of texts; white space does not count."""
    words = "\x1f".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:8]


def key_of(native_id: str) -> str:
    """What an entry is remembered by."""
    return hashlib.sha256(native_id.encode("utf-8", "replace")).hexdigest()[:16]


def entries_of(
    body: bytes, feed: Feed, *, collected_at: datetime, content_type: str = "", location: str = ""
) -> list[Entry]:
    """The entries of a feed document, oldest first.

    Args:
        body: the document, decoded from its transfer compression.
        content_type: of the answer; it may name the charset.
        location: the final URL, against which relative links are resolved.

    Raises:
        NotAFeed: it is neither RSS nor Atom, or declares XML entities.
    """
    document = document_of(body, content_type)
    try:
        found = parsed(document, location or str(feed.url))
    except Exception as error:
        raise NotAFeed(f"feedparser gave up: {error!r}") from error
    if not found.version and not found.entries:
        raise NotAFeed("neither RSS nor Atom: no known root element")
    entries = [_entry(entry, found.feed, feed, collected_at) for entry in found.entries]
    return sorted(entries, key=lambda each: _time_of(each.item, collected_at))


def _time_of(item: Found | Rejected, collected_at: datetime) -> datetime:
    return item.post.created_at if isinstance(item, Found) else collected_at


def _entry(entry: Any, channel: Any, feed: Feed, collected_at: datetime) -> Entry:
    native_id = _native_id(entry, feed)
    author = (entry.get("author") or "").strip()
    document = {
        "source": feed.source,
        "native_id": native_id,
        "url": _link(entry)[:4096],
        "channel": {
            "id": feed.address,
            "name": feed.name or plain_text(channel.get("title") or ""),
            "kind": feed.kind,
            "own": feed.own,
        },
        "author": {"id": author, "name": author} if author else None,
        "created_at": _created_at(entry) or collected_at,
        "collected_at": collected_at,
        "text": _text(entry),
        "language": (entry.get("language") or channel.get("language") or "")[:16] or None,
        "media": [_media(link) for link in entry.get("enclosures", ()) if link.get("href")][:64],
        "timeline": LIVE,
        "extras": {"tags": tags} if (tags := _tags(entry)) else {},
    }
    key = key_of(native_id)
    origin = f"{feed.address}#{native_id}"
    try:
        post = validate(RawPost, document)
        updated, dated = _moment(entry, "updated_parsed"), _moment(entry, "published_parsed") is not None
        told = updated if feed.full_text else None  # then what the summary says is not the whole article
        return Entry(key, Found(post, origin), digest_of(post.text, str(told or "")), updated, dated)
    except InvalidRecord as error:
        payload = f"{document['created_at']} {document['url']}\n{document['text']}".encode("utf-8", "replace")
        return Entry(key, Rejected(payload, origin, error.reason, error.detail))


def _native_id(entry: Any, feed: Feed) -> str:
    """The entry's id or link; what is no URL is told apart by the feed; none: a hash of the content."""
    given = str(entry.get("id") or _link(entry)).replace("\x00", "").strip()
    if not given:
        content = "\x1f".join(str(entry.get(part, "")) for part in ("title", "published", "summary"))
        return (
            "sha256-" + hashlib.sha256(f"{feed.url}\x1f{content}".encode("utf-8", "replace")).hexdigest()[:32]
        )
    if "://" not in given and not given.startswith(("urn:", "tag:")):
        given = f"{feed.url.host}{feed.url.path or ''}#{given}"
    return bounded_id(given)


def _link(entry: Any) -> str:
    """The entry's page: the first of its links to one; a Turbo page names related articles after it."""
    pages = (
        link["href"]
        for link in entry.get("links", ())
        if link.get("rel") == "alternate" and link.get("type") in PAGES and link.get("href")
    )
    return str(next(pages, entry.get("link") or ""))


def bounded_id(given: str) -> str:
    """A native id as it is, or its hash where it is too long."""
    if len(given) > MAX_NATIVE_ID:
        return "sha256-" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:32]
    return given


def _created_at(entry: Any) -> datetime | None:
    moments = (_moment(entry, part) for part in ("published_parsed", "updated_parsed", "created_parsed"))
    return next((moment for moment in moments if moment is not None), None)


def _moment(entry: Any, part: str) -> datetime | None:
    moment = dict.get(entry, part)  # FeedParserDict.get maps one date to another, with a warning
    try:
        return datetime.fromtimestamp(timegm(moment), UTC) if moment else None
    except (ValueError, OverflowError, OSError):
        return None


def _text(entry: Any) -> str:
    contents = [part.get("value") or "" for part in entry.get("content", ())]
    others = [entry.get(part) or "" for part in YANDEX]
    body = plain_text(max([entry.get("summary") or "", *contents, *others], key=len))
    title = plain_text(entry.get("title") or "")
    return body if body.startswith(title) else f"{title}\n{body}".strip()


def _media(link: Any) -> dict[str, str]:
    return {"kind": (link.get("type") or "file").partition("/")[0], "url": link["href"]}


def _tags(entry: Any) -> list[str]:
    return [str(tag.term)[:200] for tag in entry.get("tags", ()) if tag.get("term")][:MAX_TAGS]
