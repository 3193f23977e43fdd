"""Feed documents as posts: RSS, Atom, missing parts, and documents made to hurt."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.base import Found, Rejected
from agents.html import plain_text
from agents.manual_time import NOON
from agents.rss.feed_document import NotAFeed
from agents.rss.feed_entries import entries_of
from agents.rss.feeds import Feed
from schemas import RawPost

FEED = Feed(url="https://news.example.org/rss", source="news")  # type: ignore[arg-type]


def rss(*items: str, head: str = "<title>Новости</title><language>ru</language>") -> bytes:
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{body}</channel></rss>'.encode()


def posts(body: bytes, **options: Any) -> list[RawPost]:
    return [
        e.item.post for e in entries_of(body, FEED, collected_at=NOON, **options) if isinstance(e.item, Found)
    ]


def test_an_rss_item_becomes_a_post() -> None:
    (post,) = posts(
        rss(
            "<guid>https://news.example.org/1</guid><link>https://news.example.org/1?a=1&amp;b=2</link>"
            "<title>Сбой &amp; &lt;b&gt;вклад&lt;/b&gt;</title><author>Анна</author>"
            "<category>банки</category>"
            "<description><![CDATA[<p>Первый&nbsp;абзац</p><p>Второй<br>абзац</p><script>x()</script>]]></description>"
            "<pubDate>Sat, 21 Nov 2026 14:30:00 +0300</pubDate>"
            '<enclosure url="https://news.example.org/1.jpg" type="image/jpeg" length="1"/>'
        )
    )
    assert post.id == "news:https://news.example.org/1"
    assert post.text == "Сбой & вклад\nПервый абзац\nВторой\nабзац"
    assert post.created_at == datetime(2026, 11, 21, 11, 30, tzinfo=UTC) and post.collected_at == NOON
    assert post.url == "https://news.example.org/1?a=1&b=2" and post.language == "ru"
    assert post.channel is not None
    assert (post.channel.id, post.channel.name, post.channel.kind) == (str(FEED.url), "Новости", "feed")
    assert post.author is not None and post.author.name == "Анна"
    assert [(media.kind, media.url) for media in post.media] == [("image", "https://news.example.org/1.jpg")]
    assert post.extras == {"tags": ["банки"]}


def test_an_atom_entry_becomes_a_post() -> None:
    body = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>B</title><entry><id>tag:b.example,2026:1</id>'
        b'<link href="/1"/><title>T</title><updated>2026-11-21T11:00:00Z</updated>'
        b'<summary>short</summary><content type="html">&lt;p&gt;the whole text&lt;/p&gt;</content>'
        b"</entry></feed>"
    )
    (post,) = posts(body, location="https://b.example/feed")
    assert (post.native_id, post.url, post.text) == (
        "tag:b.example,2026:1",
        "https://b.example/1",
        "T\nthe whole text",
    )


def test_entries_come_oldest_first() -> None:
    dates = ("Sat, 21 Nov 2026 11:00:00 GMT", "Fri, 20 Nov 2026 11:00:00 GMT")
    found = posts(rss(*(f"<guid>u://{n}</guid><pubDate>{date}</pubDate>" for n, date in enumerate(dates))))
    assert [post.native_id for post in found] == ["u://1", "u://0"]


def test_what_is_missing_is_made_up_for() -> None:
    by_link, by_content, numbered = posts(
        rss(
            "<link>https://a.example/1</link>",
            "<title>only a title</title>",
            '<guid isPermaLink="false">17</guid>',
        )
    )
    assert by_link.native_id == "https://a.example/1" and by_link.created_at == NOON
    assert by_content.native_id.startswith("sha256-")
    assert posts(rss("<title>only a title</title>"))[0].id == by_content.id
    assert numbered.native_id == "news.example.org/rss#17"


@pytest.mark.parametrize("date", ["Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 21 Nov 2099 11:00:00 GMT"])
def test_an_implausible_date_is_rejected_and_its_neighbour_is_not(date: str) -> None:
    entries = entries_of(
        rss(f"<guid>u://1</guid><title>T</title><pubDate>{date}</pubDate>", "<guid>u://2</guid>"),
        FEED,
        collected_at=NOON,
    )
    (bad,) = [entry.item for entry in entries if isinstance(entry.item, Rejected)]
    assert (bad.reason, bad.origin) == ("implausible_time", "https://news.example.org/rss#u://1")
    assert len(entries) == 2


def test_the_encoding_may_be_named_by_the_server() -> None:
    body = (
        '<?xml version="1.0"?><rss version="2.0"><channel><item><title>Привет</title></item></channel></rss>'
    )
    (post,) = posts(body.encode("cp1251"), content_type="application/xml; charset=windows-1251")
    assert post.text == "Привет"


def test_a_damaged_document_gives_what_can_be_read() -> None:
    body = rss("<guid>u://1</guid><title>one</title>", "<guid>u://2</guid><title>two</title>")
    assert [post.text for post in posts(body[:-40])][:1] == ["one"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
ITEM = '<rss version="2.0"><channel><item><title>{}</title></item></channel></rss>'
BOMB = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>' + ITEM.format("&l11;")
FILE = '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + ITEM.format("&f;")


@pytest.mark.parametrize("body", [BOMB.encode(), BOMB.encode("utf-16"), FILE.encode()])
def test_entities_are_refused(body: bytes) -> None:
    with pytest.raises(NotAFeed, match="entities"):
        entries_of(body, FEED, collected_at=NOON)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"<html><body>x</body></html>", b"{}", b"/etc/hostname", b"\x00\xff" * 99]
)
def test_other_documents_are_refused(body: bytes) -> None:
    with pytest.raises(NotAFeed):
        entries_of(body, FEED, collected_at=NOON)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.binary(max_size=100))
def test_any_content_gives_entries_or_a_refusal(text: str, junk: bytes) -> None:
    body = rss(f"<title>{text}</title>".encode("utf-8", "replace").decode())
    for document in (body, body[:80] + junk + body[80:]):
        with suppress(NotAFeed):
            entries_of(document, FEED, collected_at=NOON)


def test_html_becomes_plain_text() -> None:
    assert plain_text("a <b>b</b>c &lt;d&gt;\n\n e") == "a bc <d>\ne"
    assert plain_text("<ul><li>1<li>2</ul>3<style>p{}</style>") == "1\n2\n3"
    assert plain_text("no   markup\x00") == "no markup"
    assert plain_text("") == ""
