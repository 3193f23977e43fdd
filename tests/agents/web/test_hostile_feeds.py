"""Feeds whose XML is an attack: entities are neither expanded nor fetched, in whatever encoding they hide."""

from __future__ import annotations

import base64

import pytest

from agents.base import Found
from agents.manual_time import NOON
from agents.rss.feed_document import NotAFeed
from agents.rss.feed_entries import entries_of
from agents.rss.feeds import Feed

FEED = Feed(url="https://news.example.org/rss", source="news")  # type: ignore[arg-type]


def document(declarations: str, title: str) -> str:
    item = f"<item><guid>u://1</guid><title>{title}</title></item>"
    return f'<!DOCTYPE rss [{declarations}]><rss version="2.0"><channel>{item}</channel></rss>'


LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
ATTACKS = {
    "a billion laughs": document(LAUGHS, "&e9;"),
    "a quadratic bomb": document(f'<!ENTITY e "{"x" * 50_000}">', "&e;" * 30_000),
    "a file": document('<!ENTITY e SYSTEM "file:///etc/passwd">', "&e;"),
    "a request": document('<!ENTITY e SYSTEM "http://127.0.0.1:1/">', "&e;"),
    "a parameter entity": document('<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;', "x"),
}


def titles(body: bytes, content_type: str) -> list[str]:
    """The texts of the entries of a document."""
    entries = entries_of(body, FEED, collected_at=NOON, content_type=content_type)
    return [entry.item.post.text for entry in entries if isinstance(entry.item, Found)]


def in_utf7(text: str) -> bytes:
    """Every letter in Base64, so that no declaration can be seen in the bytes."""
    return b"+" + base64.b64encode(text.encode("utf-16-be")).rstrip(b"=") + b"-"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-16-le", "cp1251", "cp037", "utf-7"])
@pytest.mark.parametrize("name", list(ATTACKS))
def test_entities_are_not_read(name: str, encoding: str) -> None:
    body = in_utf7(ATTACKS[name]) if encoding == "utf-7" else ATTACKS[name].encode(encoding)
    content_type = f"application/xml; charset={encoding}"
    told = "neither RSS nor Atom" if encoding in ("utf-7", "cp037") else "declares XML entities"
    with pytest.raises(NotAFeed, match=told):
        entries_of(body, FEED, collected_at=NOON, content_type=content_type)


def test_entities_are_seen_through_shifts_of_the_charset() -> None:
    body = ATTACKS["a billion laughs"].encode().replace(b"<!ENTITY", b"<!EN\x1b$B\x1b(BTITY")
    with pytest.raises(NotAFeed, match="declares XML entities"):
        entries_of(body, FEED, collected_at=NOON, content_type="application/xml; charset=iso-2022-jp")


PLAIN = '<rss version="2.0"><channel><item><guid>u://1</guid><title>Банк</title></item></channel></rss>'
MEGABYTE = 1_000_000


@pytest.mark.parametrize("content_type", ["application/xml; charset=punycode", "application/xml"])
@pytest.mark.parametrize("declared", ["", "<?xml version='1.0' encoding='punycode'?>"])
def test_no_codec_that_is_no_charset(content_type: str, declared: str) -> None:
    body = f"{declared}{PLAIN.replace('Банк', 'Bank')}-{'9' * MEGABYTE}"
    assert titles(body.encode(), content_type) == ["Bank"]


@pytest.mark.parametrize(
    "before",
    [
        b"\n" * MEGABYTE,
        b"<?xml " + b"encoding='' " * (MEGABYTE // 12) + b"?>",
        b"<?xml " + b"encoding='' " * (MEGABYTE // 12) + b"\n",
        b"\n<!DOCTYPE" * (MEGABYTE // 10),
        b"<!--" + b"-" * MEGABYTE,
    ],
)
def test_what_stands_before_the_root_takes_no_time(before: bytes) -> None:
    assert titles(before + PLAIN.encode(), "application/xml") == ["Банк"]


@pytest.mark.parametrize("tag", ["author", "dc:creator", "itunes:author", "managingEditor", "webMaster"])
@pytest.mark.parametrize("name", ["a" * MEGABYTE, "<b>" + "a" * MEGABYTE + "</b>", "a@" * (MEGABYTE // 2)])
def test_no_address_is_looked_for_in_a_long_author(tag: str, name: str) -> None:
    itunes, dc = "http://www.itunes.com/dtds/podcast-1.0.dtd", "http://purl.org/dc/elements/1.1/"
    people = f"xmlns:dc='{dc}' xmlns:itunes='{itunes}'"
    body = PLAIN.replace("<rss ", f"<rss {people} ").replace("</title>", f"</title><{tag}>{name}</{tag}>")
    for whole in (body, f"{body}&"):  # well-formed, and not
        assert titles(whole.encode(), "application/xml") == ["Банк"]


def test_thousands_of_tags_are_not_compared_with_each_other() -> None:
    tags = "".join(f"<category>{number}</category>" for number in range(20_000))
    body = PLAIN.replace("</title>", f"</title>{tags}").encode()
    (entry,) = entries_of(body, FEED, collected_at=NOON)
    assert isinstance(entry.item, Found) and len(entry.item.post.extras["tags"]) == 32


def test_styles_are_not_looked_at() -> None:
    style = "a" * MEGABYTE
    body = PLAIN.replace("</title>", f"</title><description>&lt;p style='{style}'>x&lt;/p></description>")
    assert titles(body.encode(), "application/xml") == ["Банк\nx"]


@pytest.mark.parametrize(
    ("declared", "charset", "content_type"),
    [
        ("<?xml version='1.0' encoding='windows-1251'?>", "cp1251", "text/xml"),
        ("<?xml version='1.0' encoding='windows-1251'?>", "cp1251", "application/xml; charset=utf-8"),
        ("<?xml version='1.0' encoding='KOI8-R'?>", "koi8-r", "application/rss+xml"),
        ("<?xml version='1.0' encoding='utf-16'?>", "utf-16", "application/xml"),
        ("<?xml version='1.0' encoding='utf-16'?>", "utf-16-be", "application/xml"),
        ("\ufeff<?xml version='1.0'?>", "utf-8", "application/xml; charset=windows-1251"),
        ("", "cp1251", "application/xml; charset=windows-1251"),
        ("", "utf-8", "text/xml"),
        ("Warning: cannot connect <b>now</b>\n<?xml version='1.0'?>", "utf-8", "text/xml"),
        ("<?xml version='1.0'?><!-- <a> --><!DOCTYPE rss [<!-- x -->]>", "utf-8", "application/xml"),
    ],
)
def test_feeds_in_any_charset(declared: str, charset: str, content_type: str) -> None:
    assert titles((declared + PLAIN).encode(charset), content_type) == ["Банк"]
