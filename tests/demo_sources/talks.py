"""Local places of talk and news for `tests.demo_sources`: Reddit, Hacker News, YouTube, mail, feeds, HTTP."""

from __future__ import annotations

import html
import itertools
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import httpx
from aiohttp import web

from tests.agents.email.letters import letter
from tests.agents.email.server import PASSWORD, USER
from tests.agents.email.server import Server as Mail
from tests.agents.hackernews.server import Server as HackerNews
from tests.agents.reddit.server import Server as Reddit
from tests.agents.youtube.server import KEY
from tests.agents.youtube.server import Server as YouTube
from tests.demo_sources.networks import present
from tests.demo_sources.place import MANY, Place, host_of, listens


@asynccontextmanager
async def reddit() -> AsyncIterator[Place]:
    async with Reddit() as server:
        server.clock = present

        def publish(text: str) -> str:
            server.now = present()
            return server.publish("Вопрос", text)

        def edit(name: str, text: str) -> None:
            server.things[name].update(selftext=text, edited=present().timestamp())

        entry = {
            "api": server.url, "site": server.url, "client_id": "env:REDDIT_ID",
            "client_secret": "env:REDDIT_SECRET", "contact": "molva_demo", "subreddits": ["r/banki"],
            "search": False, "every": "30s",
        }  # fmt: skip
        yield Place(
            "reddit",
            publish,
            entry,
            [host_of(server.url)],
            {"REDDIT_ID": "client-id", "REDDIT_SECRET": "client-secret"},
            edit,
            lambda name: server.things[name].update(selftext="[deleted]", author="[deleted]"),
            more=MANY,
        )


@asynccontextmanager
async def hackernews() -> AsyncIterator[Place]:
    async with HackerNews() as server:
        server.clock = present

        def publish(text: str) -> int:
            server.now = present()
            return server.publish("Ask HN", text)

        def delete(number: int) -> None:
            server.change(number, deleted=True)

        yield Place(
            "hackernews",
            publish,
            {
                "search_api": server.url,
                "items_api": server.url,
                "queries": ["demo-hackernews"],
                "every": "1m",
                "limits": {"requests_per_second": 10, "burst": 10},
            },
            [host_of(server.url)],
            edit=lambda number, text: server.change(number, text=text),
            delete=delete,
            more=MANY,
        )


@asynccontextmanager
async def youtube() -> AsyncIterator[Place]:
    async with YouTube() as server:
        server.clock = present
        channel = server.channel("@teplobank")

        def edit(number: str, text: str) -> None:
            server.videos[number]["description"] = text

        yield Place(
            "youtube",
            lambda text: server.publish(channel, "Видео", text, at=present()),
            {"api": server.url, "key": "env:YOUTUBE_KEY", "channels": ["@teplobank"], "every": "1m"},
            [host_of(server.url)],
            {"YOUTUBE_KEY": KEY},
            edit,
            more=MANY,
        )


@asynccontextmanager
async def email() -> AsyncIterator[Place]:
    async with Mail() as server:
        server.clock = present
        numbers = itertools.count(1)

        def publish(text: str) -> int:
            server.now = present()
            return server.publish(letter(text, number=next(numbers), at=server.now)).uid

        entry = {
            "host": "127.0.0.1", "port": server.port, "security": "none", "user": USER,
            "password": "env:MAIL_PASSWORD", "hash_key": "env:MAIL_HASH_KEY",
        }  # fmt: skip
        secrets = {"MAIL_PASSWORD": PASSWORD, "MAIL_HASH_KEY": uuid.uuid4().hex}
        yield Place("email", publish, entry, [host_of(server.url)], secrets)


@asynccontextmanager
async def rss(feeds: int = 1) -> AsyncIterator[Place]:
    """Feeds over HTTP, to which entries come in turn; an edited entry says when it was updated."""
    entries: dict[int, tuple[str, datetime, datetime]] = {}

    def publish(text: str) -> int:
        number = len(entries) + 1
        entries[number] = (text, present(), present())
        return number

    def edit(number: int, text: str) -> None:
        entries[number] = (text, entries[number][1], present())

    async def feed(request: web.Request) -> web.Response:
        items = "".join(
            f"<item><guid>https://news.example/{number}</guid><link>https://news.example/{number}</link>"
            f"<title>Новость</title><description>{html.escape(text)}</description>"
            f"<pubDate>{format_datetime(made)}</pubDate>"
            f"<atom:updated>{changed.isoformat()}</atom:updated></item>"
            for number, (text, made, changed) in entries.items()
            if number % feeds == int(request.query["number"])
        )
        body = (
            '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Новости</title>'
            f"{items}</channel></rss>"
        )
        return web.Response(body=body.encode(), content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/rss.xml", feed)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host = "{}:{}".format(*runner.addresses[0])
        listed = [
            {"url": f"http://{host}/rss.xml?number={number}", "source": "news", "interval": "30s"}
            for number in range(feeds)
        ]
        yield Place("rss", publish, {"feeds": listed}, [host], edit=edit)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def http(port: int, token: str) -> AsyncIterator[Place]:
    """Whoever has the token posts to the ingest of `molva up`."""
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        numbers = itertools.count(1)
        made: dict[int, str] = {}

        async def send(**row: Any) -> None:
            answer = await client.post(
                f"http://127.0.0.1:{port}/v1/posts",
                content=json.dumps(row, ensure_ascii=False).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
            )
            answer.raise_for_status()

        async def publish(text: str) -> int:
            number = next(numbers)
            made[number] = present().isoformat()
            await send(id=f"demo{number}", created_at=made[number], text=text)
            return number

        async def edit(number: int, text: str) -> None:
            when = present().isoformat()
            await send(id=f"demo{number}", created_at=made[number], edited_at=when, text=text)

        async def delete(number: int) -> None:
            await send(id=f"demo{number}", deleted=True)

        yield Place("http", publish, edit=edit, delete=delete, listened=lambda: listens(port))
