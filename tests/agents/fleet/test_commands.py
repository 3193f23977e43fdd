"""`molva agent check` and `molva agents check-file` against a local server: one look, nothing published."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.agents.rss.server import XML, FeedServer, rss

ROOT = Path(__file__).parents[3]
Run = Callable[..., Any]


@pytest.fixture
def entry(server: FeedServer, tmp_path: Path) -> Path:
    """agents.yaml with one agent of two feeds of the server."""
    file = tmp_path / "agents.yaml"
    file.write_text(
        "agents:\n  - name: news\n    kind: rss\n"
        "    limits: {requests_per_second: 50, burst: 5}\n    feeds:\n"
        f"      - url: {server.address}/a\n      - url: {server.address}/b\n"
    )
    server.answers["/a"] = lambda _: web.Response(body=rss(1, 2), content_type=XML)
    server.answers["/b"] = lambda _: web.Response(status=500)
    return file


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """agents.yaml with a key that no agent has."""
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "agents:\n  - name: news\n    kind: rss\n    feeds: [{url: 'https://a.example'}]\n    colour: red\n"
    )
    return file


async def molva(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error. Nobody answers at the Kafka of its settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline.cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": "", "MOLVA_KAFKA_BOOTSTRAP": "127.0.0.1:1", "COLUMNS": "200", **variables},
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_look_shows_items_and_limits_and_needs_no_kafka(server: FeedServer, entry: Path) -> None:
    private = server.address.removeprefix("http://")
    arguments = ("agent", "check", "news", "--file", str(entry))
    code, out, err = await molva(*arguments, MOLVA_AGENT_PRIVATE_HOSTS=private)
    assert code == 0, err
    assert "at most 50 requests per second to each host, 5 at once" in out
    assert "rss:u://1 text 1" in out and "2 items; nothing was published" in out
    code, out, err = await molva(*arguments, "--json", MOLVA_AGENT_PRIVATE_HOSTS=f"{private}, ,")
    document = json.loads(out)
    assert [each["found"]["id"] for each in document["items"]] == ["rss:u://1", "rss:u://2"]
    assert document["agent"] == "rss:news" and document["errors"] == {"Refused": 1}


async def test_a_source_that_only_fails_is_told(server: FeedServer, entry: Path) -> None:
    code, _, err = await molva("agent", "check", "rss:news", "--file", str(entry), "--seconds", "5")
    assert code == 3 and "rss:news: nothing but failures: Forbidden 2" in err
    (told,) = (line for line in err.splitlines() if "nothing but failures" in line)
    assert "; the last: " in told and "MOLVA_AGENT_PRIVATE_HOSTS" in told and server.requests == []


async def test_a_file_is_checked_without_asking_anybody(server: FeedServer, entry: Path) -> None:
    code, out, _ = await molva("agents", "check-file", "--file", str(entry))
    assert code == 0 and "rss:news: 50 requests per second, 5 at once" in out and server.requests == []


async def test_a_mistake_of_the_file_is_told_with_its_line(wrong: Path) -> None:
    code, _, err = await molva("agents", "check-file", MOLVA_AGENTS=str(wrong))
    assert code == 2 and f"{wrong}:5: rss:news: colour: Extra inputs are not permitted" in err
