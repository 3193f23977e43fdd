"""The bytes of a feed -> what its parser may see: UTF-8, from the root element on. Pure, in linear time.

`feedparser.parse` would decode by whatever codec a document names, and look for declarations before the root
with patterns whose time grows with the square (of a line of ``encoding=''`` with the cube) of the length.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from agents.base import SourceUnavailable
from agents.charsets import charset_of, decoded, header_charset

ENTITY_DECLARATION: Final = re.compile(rb"<!ENTITY", re.IGNORECASE)
FEED_START: Final = re.compile(rb"<(?:rss|feed|rdf:RDF|(?:\w+:)?feed)[\s>]", re.IGNORECASE)
MAX_TAGS: Final = 200_000
LARGE_TAG: Final = re.compile(
    rb"<[\w:.\x80-\xff-]++(?:\s++[\w:.\x80-\xff-]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')){256}"
)
"""feedparser's time grows with the square of a tag's attributes: with those that fit in a feed, hours."""
_NAMED: Final = re.compile(rb"\s{0,64}<\?xml[^>]{0,200}?encoding\s{0,8}=\s{0,8}[\"']([\w.:-]{1,40})[\"']")
_BEFORE_ROOT: Final = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.I | re.S)
_ELEMENT: Final = re.compile(r"<\w")
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


class NotAFeed(SourceUnavailable):
    """The answer is something else, or an attack."""


def document_of(body: bytes, content_type: str) -> bytes:
    """The document in UTF-8, without what stands before its root element.

    Its charset is that of its byte order mark, of ``content_type``, or of its declaration: the first in which
    it can be read; else UTF-8 or windows-1252.

    Raises:
        NotAFeed: it has no element, too many, or declares XML entities (no real feed needs them, and nested
            ones can be made to fill the memory).
    """
    text = _text_of(body, content_type)
    content = text.encode("utf-8", "replace")
    if ENTITY_DECLARATION.search(content):
        raise NotAFeed("the document declares XML entities; such feeds are not read")
    if content.count(b"<") > MAX_TAGS or LARGE_TAG.search(content):
        raise NotAFeed("the document has too many tags, or a tag with too many attributes; it is not read")
    start = 0
    while (skipped := _BEFORE_ROOT.match(text, start)) is not None:
        start = skipped.end()
    if _ELEMENT.match(text, start):
        return text[start:].encode("utf-8", "replace")
    root = FEED_START.search(content)  # behind a warning of the server, or the like
    if root is None:
        raise NotAFeed("neither RSS nor Atom: no known root element")
    return content[root.start() :]


def looks_like_feed(body: bytes) -> bool:
    """Whether the beginning of a document has the root element of a feed."""
    return FEED_START.search(body[:4096].replace(b"\x00", b"")) is not None


def _text_of(body: bytes, content_type: str) -> str:
    marked = next((name for mark, name in _MARKS if body.startswith(mark)), "")
    declared = _NAMED.match(body)
    named = (marked, header_charset(content_type), declared[1].decode("ascii") if declared else "")
    for name in (*named, "utf-8", "windows-1252"):
        known = charset_of(name)
        try:
            if known is not None:
                return body.decode(known).removeprefix("\ufeff")
        except UnicodeError:
            continue
    return decoded(body, next(filter(charset_of, named), ""))
