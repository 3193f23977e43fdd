"""Credentials of feeds: sent to their server alone, and shown nowhere."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from agents.agents_file import parse_agents
from agents.base import BadConfiguration, Found, Rejected
from agents.manual_time import NOON, JumpingTime, ManualTime
from agents.options import Lookup
from agents.rss.feed_state import FeedState, RssCursor
from agents.rss.feeds import Feed, parse_feeds, read_feeds
from agents.rss.sitemap_document import Place
from agents.rss.sitemaps import entries
from pipeline.cli.agent import _about
from pipeline.metrics import Metrics
from tests.agents.rss.server import XML, FeedServer, polls, rss, source_of
from tests.agents.telegram.items import ids

SECRET = "hunter2"
LOGIN = Lookup({"LOGIN": f"me:{SECRET}"})


@pytest.mark.parametrize("user", [f"me:{SECRET}", SECRET, f":{SECRET}"])
def test_a_login_that_is_written_out_is_refused_and_not_told(user: str) -> None:
    feeds = f"feeds:\n  - url: https://{user}@a.example/rss\n"
    told = "f:[25]: .*holds a user or a password: leave them out, and write `auth: env:NAME`"
    with pytest.raises(BadConfiguration, match=told) as list_error:
        parse_feeds(feeds, "f")
    entry = f"agents:\n  - name: a\n    kind: rss\n    feeds:\n      - url: https://{user}@a.example/rss\n"
    with pytest.raises(BadConfiguration, match=told) as file_error:
        parse_agents(entry, "f", LOGIN)
    assert SECRET not in f"{list_error.value}{file_error.value}"


async def test_a_login_is_sent_with_the_feed_alone(server: FeedServer, metrics: Metrics) -> None:
    server.answers["/a"] = lambda _: web.Response(body=rss(1), content_type=XML)
    (feed,) = parse_feeds(f"feeds:\n  - {{url: '{server.address}/a', auth: 'env:LOGIN'}}", "f", LOGIN)
    assert SECRET not in repr(feed)
    assert ids(await polls(source_of([feed], metrics, JumpingTime()), 1)) == ["u://1"]
    ((_, headers),) = server.requests
    assert headers["Authorization"] == f"Basic {b64encode(LOGIN.environment['LOGIN'].encode()).decode()}"


def test_where_a_login_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("feeds:\n  - {url: 'https://a.example', auth: 'file:login'}\n")
    assert read_feeds(path)[0].auth is not None  # as the doctor reads it
    with pytest.raises(BadConfiguration, match="login cannot be read"):
        read_feeds(path, {})
    (tmp_path / "login").write_text(f"me:{SECRET}\n")
    (feed,) = read_feeds(path, {})
    assert feed.auth is not None and feed.auth.get_secret_value() == f"me:{SECRET}"


async def test_a_key_in_the_query_is_shown_nowhere(server: FeedServer, metrics: Metrics) -> None:
    late = b"<rss><channel><item><guid>u://1</guid><title>x</title><pubDate>1 Jan 1990</pubDate></item>"
    first = b"<item><guid>u://2</guid><title>y</title></item></channel></rss>"
    server.answers["/a"] = lambda _: web.Response(body=late + first, content_type=XML)
    feed, other = (
        Feed(url=f"{server.address}/a?token={key}")  # type: ignore[arg-type]
        for key in (SECRET, "another")
    )
    items = await polls(source_of([feed], metrics, JumpingTime()), 1)
    assert {type(item) for item in items} >= {Found, Rejected}
    assert SECRET not in repr(items)
    assert feed.address.startswith(f"{server.address}/a?...#") and feed.address != other.address
    (entry,) = entries([Place("https://a.example/1", NOON, "x")], feed, collected_at=NOON)
    assert SECRET not in repr(entry)
    assert Feed(url="https://a.example/rss").address == "https://a.example/rss"  # type: ignore[arg-type]


def test_no_table_and_no_mistake_tells_a_key() -> None:
    line = f"{{url: 'https://a.example/rss?token={SECRET}'}}"
    (options,) = parse_agents(f"agents:\n  - {{name: a, kind: rss, feeds: [{line}]}}", "f", LOGIN)
    assert _about(options)["hosts"] == ["https://a.example/rss?..."]
    for text, parse in (
        (f"agents:\n  - {{name: a, kind: rss, feeds: [{line}, {line}]}}", parse_agents),
        (f"feeds: [{line}, {line}]", parse_feeds),
    ):
        with pytest.raises(BadConfiguration, match=r"a\.example/rss\?\.\.\.#") as told:
            parse(text, "f", LOGIN)
        assert SECRET not in str(told.value)


async def test_cursors_of_old_are_read(server: FeedServer, metrics: Metrics) -> None:
    feed = server.feed("/a", lambda _: web.Response(body=rss(1, 2), content_type=XML))
    with_login = str(feed.url).replace("://", f"://me:{SECRET}@")
    saved = [item.cursor for item in await polls(source_of([feed], metrics, JumpingTime()), 1)][-1]
    assert saved is not None and "://" not in saved.replace("u://", "")
    state = RssCursor.model_validate_json(saved).of(str(feed.url))
    assert len(state.seen) == 2
    for url in (str(feed.url), with_login):
        old = f'{{"version": 1, "feeds": {{"{url}": {state.model_dump_json()}}}}}'
        time = ManualTime(NOON + timedelta(hours=1))
        assert ids(await polls(source_of([feed], metrics, time), 1, old)) == []
    assert RssCursor().of("https://a.example") == FeedState()


async def test_a_validator_that_cannot_be_sent_ends_no_feed(server: FeedServer, metrics: Metrics) -> None:
    told = {"ETag": "Я", "Content-Type": XML}
    feed = server.feed("/a", lambda _: web.Response(body=rss(1), headers=told))
    poisoned = RssCursor(feeds={str(feed.url): FeedState(etag="Я", modified="x\ny")}).model_dump_json()
    items = await polls(source_of([feed], metrics, JumpingTime()), 2, poisoned)
    assert ids(items) == ["u://1"]
    assert all("If-None-Match" not in headers for _, headers in server.requests)
