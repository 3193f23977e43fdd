"""Records of all kinds -> posts: links, media, quotes, odd dates, what is missing, odd, or damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agents.base import Found, Rejected
from agents.bluesky.events import Removed, Renamed, Standing, event_of
from agents.bluesky.posts import Profile, Written, post_of
from agents.bluesky.records import POST, full_text, mentioned, quoted, tid_time
from schemas import RawPost

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DID = "did:plc:anna2222222222222222abcd"
OTHER = f"at://did:plc:ivan/{POST}/3kxyz"


def written(told: datetime = NOW, **fields: Any) -> Written:
    record = {"$type": POST, "createdAt": "2026-11-21T11:59:00.123Z", "text": "текст", **fields}
    return Written(DID, POST, "3kabc", "bafy1", record, told=told)


def post(told: datetime = NOW, **fields: Any) -> RawPost:
    made = post_of(written(told, **fields), Profile(DID, "anna.bsky.social"), own=False, now=NOW)
    assert isinstance(made, Found), made
    return made.post


def link(text: str, shown: str, uri: str) -> dict[str, Any]:
    start = len(text[: text.index(shown)].encode())
    index = {"byteStart": start, "byteEnd": start + len(shown.encode())}
    return {"index": index, "features": [{"$type": "app.bsky.richtext.facet#link", "uri": uri}]}


def test_links_that_were_cut_short_are_shown_in_full() -> None:
    text = "😀 смотри news.example/very/lo... и сюда, конец"
    facets = [
        link(text, "сюда", "https://other.example/"),
        link(text, "news.example/very/lo...", "https://news.example/very/long/path"),
    ]
    made = post(text=text, facets=facets)
    assert made.text == "😀 смотри https://news.example/very/long/path и сюда, конец"
    assert made.extras["links"] == ["https://other.example/", "https://news.example/very/long/path"]


@pytest.mark.parametrize(
    "index",
    [
        {"byteStart": 1, "byteEnd": 3},
        {"byteStart": 0, "byteEnd": 10_000},
        {"byteStart": -1, "byteEnd": 2},
        {"byteStart": 4, "byteEnd": 4},
        {"byteStart": "0", "byteEnd": None},
        None,
    ],
)
def test_facets_that_do_not_fit_are_left_out(index: Any) -> None:
    facet = {
        "index": index,
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://x.example"}],
    }
    assert full_text({"text": "😀да", "facets": [facet, "nonsense"]}) == "😀да"


def test_media_of_all_kinds() -> None:
    image = {"$type": "blob", "ref": {"$link": "bafkimage"}, "mimeType": "image/jpeg", "size": 1}
    images = {"$type": "app.bsky.embed.images", "images": [{"alt": "снимок", "image": image}, {"image": {}}]}
    made = post(text="", embed=images)
    assert made.text == ""
    assert [(each.kind, each.alt) for each in made.media] == [("photo", "снимок"), ("photo", "")]
    assert made.media[0].url == f"https://cdn.bsky.app/img/feed_fullsize/plain/{DID}/bafkimage@jpeg"
    video = {"$type": "app.bsky.embed.video", "video": {"ref": {"$link": "bafkvideo"}}, "alt": "ролик"}
    assert post(embed=video).media[0].url.endswith("/bafkvideo/playlist.m3u8")
    card = {"uri": "https://news.example/1", "title": "Новость", "description": "о банке"}
    (found,) = post(embed={"$type": "app.bsky.embed.external", "external": card}).media
    assert (found.kind, found.url, found.alt) == ("link", "https://news.example/1", "Новость: о банке")
    (unknown,) = post(embed={"$type": "app.bsky.embed.hologram"}).media
    assert (unknown.kind, unknown.alt) == ("document", "app.bsky.embed.hologram")
    both = {
        "$type": "app.bsky.embed.recordWithMedia",
        "record": {"$type": "app.bsky.embed.record", "record": {"uri": OTHER, "cid": "x"}},
        "media": images,
    }
    made = post(embed=both)
    assert (made.extras["quote_of"], len(made.media)) == (f"bluesky:{OTHER}", 2)


def test_quotes_of_posts_only() -> None:
    quote = {"$type": "app.bsky.embed.record", "record": {"uri": OTHER, "cid": "x"}}
    assert quoted({"embed": quote}) == OTHER
    a_list = {"uri": "at://did:plc:ivan/app.bsky.graph.list/3k", "cid": "x"}
    assert quoted({"embed": {**quote, "record": a_list}}) == ""


def test_a_reply_names_its_parent_and_its_root() -> None:
    root = f"at://did:plc:olga/{POST}/3kroot"
    made = post(reply={"parent": {"uri": OTHER, "cid": "x"}, "root": {"uri": root, "cid": "y"}})
    assert (made.kind, made.reply_to, made.thread_root) == ("comment", f"bluesky:{OTHER}", f"bluesky:{root}")


@pytest.mark.parametrize(
    ("claimed", "believed"),
    [
        ("2026-11-21T11:00:00Z", "2026-11-21T11:00:00+00:00"),
        ("2026-11-21T14:00:00.123456789+03:00", "2026-11-21T11:00:00.123456+00:00"),
        ("2026-11-21T11:00:00", "2026-11-21T11:00:00+00:00"),
        ("2030-01-01T00:00:00Z", NOW.isoformat()),
        ("1970-01-01T00:00:00Z", NOW.isoformat()),
        ("0001-01-01T00:00:00+14:00", NOW.isoformat()),
        ("yesterday", NOW.isoformat()),
        (None, NOW.isoformat()),
    ],
)
def test_dates_are_believed_unless_they_cannot_be(claimed: Any, believed: str) -> None:
    assert post(createdAt=claimed).created_at.isoformat() == believed


def test_labels_languages_and_unknown_fields() -> None:
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "porn"}, {}]}
    made = post(labels=labels, langs=["ru-RU", "uk", 5], tags=["тег"], brandNew={"a": 1})
    assert (made.language, made.extras["languages"]) == ("ru-RU", ["ru-RU", "uk"])
    assert (made.extras["labels"], made.extras["tags"]) == (["porn", ""], ["тег"])


def test_whom_a_text_addresses() -> None:
    facet = {"index": {}, "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:ivan"}]}
    assert list(mentioned({"text": "@ivan", "facets": [facet]})) == ["did:plc:ivan"]


def test_what_is_no_post_is_rejected() -> None:
    made = post_of(written(text="я" * 100_001), Profile(DID), own=False, now=NOW)
    assert isinstance(made, Rejected)
    assert made.origin == f"bluesky:at://{DID}/{POST}/3kabc"


def test_lone_surrogates_are_replaced() -> None:
    assert post(text="a\ud83d b").text == "a\ufffd b"


@pytest.mark.parametrize("tid", ["", "3l3qo2vutsw2", "0000000000000", "3l3qo2vuowo2b1"])
def test_revisions_that_are_none(tid: str) -> None:
    assert tid_time(tid) is None


def test_events_of_all_kinds() -> None:
    begin = f'{{"did": "{DID}", "time_us": 1795262400000000, "kind": '
    commit = (
        '"commit", "commit": {"rev": "x", "collection": "app.bsky.feed.post", "rkey": "3k", "operation": '
    )
    assert event_of(begin + commit + '"delete"}}')[0] == Removed(f"at://{DID}/{POST}/3k", 1795262400000000)
    assert isinstance(event_of(begin + commit + '"create"}}')[0], Rejected)
    assert event_of(begin + commit + '"vanish"}}')[0] is None
    assert event_of(begin + '"brand-new"}') == (None, 1795262400000000)
    assert event_of(begin + '"identity", "identity": {"handle": "a.b"}}')[0] == Renamed(DID, "a.b")
    standing, _ = event_of(begin + '"account", "account": {"active": false, "status": "takendown"}}')
    assert standing == Standing(DID, False, "takendown", 1795262400000000)
    for damaged in ("{", "[]", "{}", '{"did": 1, "time_us": 2}'):
        assert isinstance(event_of(damaged)[0], Rejected)
