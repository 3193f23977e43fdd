"""Feeds whose XML is an attack: entities are neither expanded nor fetched, in whatever encoding they hide."""

from __future__ import annotations

import base64

import pytest

from agents.base import Found
from agents.manual_time import NOON
from agents.rss.feed_entries import NotAFeed, entries_of
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


def in_utf7(text: str) -> bytes:
    """Every letter in Base64, so that no declaration can be seen in the bytes."""
    return b"+" + base64.b64encode(text.encode("utf-16-be")).rstrip(b"=") + b"-"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-16-le", "cp1251", "cp037", "utf-7"])
@pytest.mark.parametrize("name", list(ATTACKS))
def test_entities_are_not_read(name: str, encoding: str) -> None:
    body = in_utf7(ATTACKS[name]) if encoding == "utf-7" else ATTACKS[name].encode(encoding)
    content_type = f"application/xml; charset={encoding}"
    if encoding not in ("utf-7", "cp037"):
        with pytest.raises(NotAFeed, match="declares XML entities"):
            entries_of(body, FEED, collected_at=NOON, content_type=content_type)
        return
    for entry in entries_of(body, FEED, collected_at=NOON, content_type=content_type):
        assert isinstance(entry.item, Found)
        assert len(entry.item.post.text) <= len("&e;" * 30_000)
        assert not {"haha", "xxxx", "root:"} & set(entry.item.post.text.split())
        assert "ha" not in entry.item.post.text
