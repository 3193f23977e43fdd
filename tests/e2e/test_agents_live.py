"""The http and rss agents of a running ``molva up``: what they take reaches ClickHouse, once."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import httpx
import pytest

from pipeline.embedded.process import LOOPBACK, free_ports
from tests.e2e.conftest import Up, molva, running, write_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TOKEN = "token-of-this-test"
FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Новости</title><link>https://news.example/</link>
<item><title>Рассвет Банк снова лежит</title>
<description>&lt;p&gt;Третий &lt;b&gt;час&lt;/b&gt;&lt;/p&gt;</description>
<link>https://news.example/1</link><guid>https://news.example/1</guid></item>
<item><title>Рассвет Банк хвалят</title><link>https://news.example/2</link>
<guid>https://news.example/2</guid></item>
</channel></rss>""".encode()
ETAG = f'"{hashlib.sha256(FEED).hexdigest()}"'


class FeedServer(ThreadingHTTPServer):
    """One feed with an ETag; ``asked`` gets the If-None-Match of every request."""

    def __init__(self) -> None:
        self.asked: Queue[str | None] = Queue()
        super().__init__((LOOPBACK, 0), FeedRequest)


class FeedRequest(BaseHTTPRequestHandler):
    """Answers 200 with the feed, or 304."""

    server: FeedServer

    def do_GET(self) -> None:
        known = self.headers.get("If-None-Match")
        self.server.asked.put(known)
        body = b"" if known == ETAG else FEED
        self.send_response(200 if body else 304)
        self.send_header("ETag", ETAG)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at ``asked``."""


@pytest.fixture(scope="module")
def feed() -> Iterator[FeedServer]:
    server = FeedServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def up(feed: FeedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    feeds = tmp_path_factory.mktemp("feeds") / "feeds.yaml"
    feeds.write_text(
        f"feeds:\n  - url: http://{LOOPBACK}:{feed.server_port}/rss.xml\n"
        "    source: news\n    interval: 30s\n",
        encoding="utf-8",
    )
    yield from running(
        Up(
            tmp_path_factory.mktemp("live"),
            MOLVA_HTTP_TOKEN=TOKEN,
            MOLVA_HTTP_PORT=str(free_ports(1)[0]),
            MOLVA_RSS_FEEDS=str(feeds),
            MOLVA_AGENT_PRIVATE_HOSTS=f"{LOOPBACK}:{feed.server_port}",
        )
    )


def post(up: Up, body: bytes, token: str = TOKEN) -> httpx.Response:
    """POST a body to the ingest of the stack."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    url = f"http://{LOOPBACK}:{up.environment['MOLVA_HTTP_PORT']}/v1/posts"
    return httpx.post(url, content=body, headers=headers, timeout=30.0, trust_env=False)


def settle(up: Up, folder: Path) -> None:
    """Wait until everything that was published before this call is in ClickHouse."""
    row = {"id": folder.name, "created_at": "2026-03-02T10:00:00Z", "text": "и это тоже"}
    up.replay(write_rows(folder / "last.jsonl", [row]))


def test_a_batch_is_stored_once_however_often_it_is_posted(up: Up, tmp_path: Path) -> None:
    now = datetime.now(UTC).isoformat()
    rows = [{"id": f"b{n}", "created_at": now, "text": f"Рассвет Банк лежит, {n}"} for n in range(300)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    body = "\n".join([*lines[:100], '{"id": "обор', *lines[100:]]).encode()
    for _ in range(2):
        answer = post(up, body)
        assert answer.status_code == 202
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (300, 1)
        assert answer.json()["verdicts"][100]["reason"] == "not_json"
    settle(up, tmp_path)
    where = "WHERE source = 'http' AND timeline = 'live'"
    assert up.rows(f"SELECT count(), uniqExact(id) FROM posts {where}") == [(300, 300)]
    assert up.rows(f"SELECT count() FROM mentions {where} AND object_id = 'rassvet'") == [(300,)]
    letters = up.rows(
        "SELECT reason FROM dead_letters WHERE stage = 'agent:http' AND endsWith(origin, ':100')"
    )
    assert letters == [("not_json",), ("not_json",)]  # one per request


def test_without_the_token_nothing_is_taken(up: Up, tmp_path: Path) -> None:
    row = b'{"id": "secret", "created_at": "2026-03-02T10:00:00Z", "text": "x"}'
    assert post(up, row, token="another").status_code == 401
    settle(up, tmp_path)
    assert up.rows("SELECT count() FROM posts WHERE id = 'http:secret'") == [(0,)]


def test_a_taken_port_is_told_before_anything_is_fed(up: Up, tmp_path: Path) -> None:
    done = molva("up", "--data-dir", tmp_path / "other", **up.environment)
    assert done.returncode != 0
    assert "MOLVA_HTTP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_feeds_is_told_before_anything_starts(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("feeds:\n  - url: ftp://news.example/rss.xml\n", encoding="utf-8")
    done = molva("up", "--data-dir", tmp_path / "data", MOLVA_RSS_FEEDS=str(feeds))
    assert done.returncode == 2
    assert f"{feeds}:2" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_feed_is_stored_once_and_asked_again_conditionally_after_a_crash(
    up: Up, feed: FeedServer, tmp_path: Path
) -> None:
    assert feed.asked.get(timeout=60) is None
    settle(up, tmp_path)
    texts = "SELECT text FROM posts WHERE source = 'news' ORDER BY id"
    expected = [("Рассвет Банк снова лежит\nТретий час",), ("Рассвет Банк хвалят",)]
    assert up.rows(texts) == expected
    os.kill(up.pid("agent-rss"), signal.SIGKILL)
    while not feed.asked.empty():
        feed.asked.get()
    assert feed.asked.get(timeout=90) == ETAG
    settle(up, tmp_path)
    assert up.rows(texts) == expected
