"""However long a document is, the cursor of all feeds of an agent stays below what a fleet keeps of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiohttp import web

from agents.fleet.cursor_rows import MAX_CURSOR_BYTES, pack
from agents.manual_time import NOON, ManualTime
from agents.rss.feed_document import NotAFeed
from agents.rss.feed_entries import entries_of
from agents.rss.feed_state import MAX_MAPS, MAX_SEEN, FeedState, RssCursor, absorbed, newest, room_of
from agents.rss.feeds import Feed
from agents.rss.kind import CURSOR_BYTES
from agents.rss.source import RssSource
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, polls, rss
from tests.agents.rss.test_edits import cursor_of
from tests.agents.telegram.items import ids
from tests.agents.web.opening import local_web

MOST_FEEDS = 50
VALIDATOR = '"' + "\\" * 510 + '"'


def _feed(number: int, kind: str) -> Feed:
    return Feed(url=f"https://example.org/{number:02}{'a' * 2040}", format=kind)  # type: ignore[arg-type]


def _fullest(feed: Feed, feeds: int) -> FeedState:
    told = "" if feed.format == "sitemap" else ":12345678:10:1763726400"
    room = room_of(feed, feeds, CURSOR_BYTES)
    return FeedState(
        etag=VALIDATOR,
        modified=VALIDATOR,
        seen=tuple(f"{number:016x}{told}" for number in range(room)),
        maps=tuple(f"{number:08x}" for number in range(MAX_MAPS if feed.format == "sitemap" else 0)),
        failures=1000,
        due=NOON + timedelta(microseconds=1),
        read=NOON + timedelta(microseconds=1),
    )


def limited(
    feeds: list[Feed], metrics: Metrics, time: ManualTime, cursor_bytes: int = CURSOR_BYTES
) -> RssSource:
    outside = local_web(*(str(feed.url) for feed in feeds), time=time, metrics=metrics, agent="rss")
    return RssSource(
        feeds,
        metrics,
        web=outside,
        clock=time.clock,
        sleep=time.sleep,
        jitter=lambda: 0.5,
        cursor_bytes=cursor_bytes,
    )


@pytest.mark.parametrize("feeds", [1, 20, MOST_FEEDS])
@pytest.mark.parametrize("kind", ["feed", "sitemap"])
def test_the_largest_cursor_fits_in_a_row(kind: str, feeds: int) -> None:
    known = [_feed(number, kind) for number in range(feeds)]
    cursor = RssCursor(feeds={str(feed.url): _fullest(feed, feeds) for feed in known})
    row = pack("rss:" + "a" * 64, cursor.model_dump_json())
    assert len(row) < CURSOR_BYTES == MAX_CURSOR_BYTES
    least = 250 if kind == "feed" else 500
    assert all(len(state.seen) >= least for state in cursor.feeds.values()), (
        "and there is room for usual feeds"
    )


async def test_a_feed_that_is_too_long_stops_neither_itself_nor_another(
    server: FeedServer, metrics: Metrics
) -> None:
    long = server.feed("/long", lambda _: web.Response(body=rss(*range(600)), content_type=XML))
    other = server.feed("/other", lambda _: web.Response(body=rss(9000), content_type=XML))
    items = await polls(limited([long, other], metrics, ManualTime(), 40_000), 2)
    most = room_of(long, 2, 40_000) // 2
    assert 100 < most < 200
    assert sorted(ids(items)) == sorted(["u://9000", *(f"u://{number}" for number in range(most))])
    assert len(pack("rss", cursor_of(items))) < 40_000
    labels = {"agent": "rss", "reason": "too-many"}
    assert metrics.registry.get_sample_value("molva_agent_skipped_total", labels) == 600 - most
    later = limited([long, other], metrics, ManualTime(NOON + timedelta(days=1)), 40_000)
    assert ids(await polls(later, 2, cursor_of(items))) == []


async def test_an_agent_that_gets_more_feeds_forgets_what_there_is_no_room_for(
    server: FeedServer, metrics: Metrics
) -> None:
    feed = server.feed("/map.xml", lambda _: web.Response(status=304), format="sitemap")
    other = server.feed("/a", lambda _: web.Response(body=rss(1), content_type=XML))
    former = RssCursor(feeds={str(feed.url): _fullest(feed, 1)}).model_dump_json()
    items = await polls(
        limited([feed, other], metrics, ManualTime(NOON + timedelta(hours=1)), 60_000), 2, former
    )
    state = RssCursor.model_validate_json(cursor_of(items)).of(str(feed.url))
    assert (len(state.seen), ids(items)) == (room_of(feed, 2, 60_000), ["u://1"])
    assert len(_fullest(feed, 1).seen) == MAX_SEEN["sitemap"]


def test_of_too_many_entries_the_newest_are_looked_at() -> None:
    dates = [f"<pubDate>{day} Nov 2026 11:00:00 GMT</pubDate>" for day in (18, 20, 19)]
    items = "".join(
        f"<item><guid>u://{number}</guid>{date}</item>" for number, date in enumerate([*dates, "", "", ""])
    )
    body = f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()
    found = entries_of(body, Feed(url="https://a.example/"), collected_at=NOON)  # type: ignore[arg-type]

    def chosen(most: int) -> list[str]:
        return [each[-1] for each in ids([entry.item for entry in newest(found, most)])]

    assert chosen(9) == ["0", "2", "1", "3", "4", "5"]
    assert [chosen(4), chosen(2)] == [["0", "2", "1", "3"], ["2", "1"]]


def test_a_push_of_one_entry_makes_no_others_new() -> None:
    feed = Feed(url="https://a.example/")  # type: ignore[arg-type]
    many, one = (entries_of(rss(*some), feed, collected_at=NOON) for some in (range(500), [501]))
    state, _ = absorbed(FeedState(), many, NOON, room=2000)
    state, fresh = absorbed(state, one, NOON, room=2000, whole=False)
    assert (len(state.seen), ids([entry.item for entry in fresh])) == (501, ["u://501"])
    assert absorbed(state, many, NOON, room=2000)[1] == []


@pytest.mark.parametrize(
    "inside",
    [
        b"<item " + b"".join(b'a%d="1" ' % number for number in range(100_000)) + b"/>",
        b"<item " + b"".join(b"\na%d = '>'" % number for number in range(100_000)) + b"/>",
        b"<item/>" * 300_000,
    ],
)
def test_a_document_that_would_take_hours_is_refused(inside: bytes) -> None:
    body = b'<rss version="2.0"><channel>' + inside + b"</channel></rss>"
    for sent in (body, body.decode().encode("utf-16")):
        with pytest.raises(NotAFeed, match="too many"):
            entries_of(sent, Feed(url="https://a.example/"), collected_at=NOON)  # type: ignore[arg-type]


def test_pages_in_a_feed_are_not_too_large() -> None:
    picture = b'<p class="a" style="b"><img src="data:image/png;base64,' + b"A" * 100_000 + b'="></p>'
    items = (
        b"<item><guid>u://%d</guid><description><![CDATA[%s]]></description></item>" % (number, picture * 5)
        for number in range(5)
    )
    body = b'<rss version="2.0"><channel>' + b"".join(items) + b"</channel></rss>"
    assert len(entries_of(body, Feed(url="https://a.example/"), collected_at=NOON)) == 5  # type: ignore[arg-type]
