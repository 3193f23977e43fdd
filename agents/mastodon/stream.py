"""News of an instance as it is pushed: over one WebSocket for all feeds, or a stream of events for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from agents.mastodon.api import Api
from agents.mastodon.feeds import Feed
from agents.waiting import cancel
from agents.web import Declined, Unusable, Web

SOCKET_SILENCE: Final = 86_400.0
"""A hashtag may rest for long; that the server is there is seen by pings, every 30 s."""
EVENTS_SILENCE: Final = 60.0
"""Servers send a comment every 15 s."""
QUEUED: Final = 1000
STREAMING: Final = "/api/v1/streaming"


class Event(NamedTuple):
    """``name``: ``update``, ``status.update``, ``delete`` and others; ``feed`` is the key of its feed."""

    feed: str
    name: str
    payload: str


async def events(web: Web, api: Api, feeds: Sequence[Feed], *, base: str) -> AsyncGenerator[Event, None]:
    """The events of ``feeds`` until the server ends the stream.

    Args:
        base: where the streams are, ``https://host``.

    Raises:
        Denied: the server streams nothing to this token.
        SourceUnavailable: no stream, a broken one, silence.
    """
    pushed = _pushed if api.instance.transport == "websocket" else _listed
    try:
        async with aclosing(pushed(web, api, feeds, base)) as stream:
            async for event in stream:
                yield event
    except Declined as error:
        if error.status in (401, 403, 404, 422):
            raise api.denial(error.status, STREAMING) from error
        raise


async def streaming_base(api: Api) -> str:
    """Where an instance says that its streams are, as an address with https; its own where it does not say.

    Raises:
        SourceUnavailable: it does not answer.
    """
    if api.instance.streaming is not None:
        return api.instance.streaming
    document = await api.about()
    told = _inside(document, "configuration", "urls", "streaming")
    told = told or _inside(document, "urls", "streaming_api")  # of version 1
    if not isinstance(told, str) or not told.startswith(("wss://", "ws://", "https://", "http://")):
        return api.instance.url
    scheme, _, rest = told.partition("://")
    return f"{'https' if scheme in ('wss', 'https') else 'http'}://{rest.rstrip('/')}"


def _inside(document: Mapping[str, Any], *names: str) -> Any:
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


async def _pushed(web: Web, api: Api, feeds: Sequence[Feed], base: str) -> AsyncGenerator[Event, None]:
    channels = {feed.channel: feed.key for feed in feeds if feed.channel is not None}
    opening = [
        json.dumps({"type": "subscribe", "stream": name, **({"tag": tag} if tag else {})}, ensure_ascii=False)
        for name, tag in channels
    ]
    socket = web.websocket(
        f"ws{base.removeprefix('http')}{STREAMING}",
        headers=api.headers,
        opening=opening,
        token_key=api.instance.token_key,
        silence=SOCKET_SILENCE,
    )
    async with aclosing(socket) as texts:
        async for text in texts:
            event = _event(text, channels, api)
            if event is not None:
                yield event


def _event(text: str, channels: Mapping[tuple[str, str], str], api: Api) -> Event | None:
    """One message of the WebSocket; None where it is for no feed, or without a payload."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{api.instance.host} streams what is no JSON: {text[:80]!r}") from error
    if not isinstance(message, dict):
        raise Unusable(f"{api.instance.host} streams what is no event: {text[:80]!r}")
    if "error" in message:
        status = message.get("status")
        raise api.denial(status if isinstance(status, int) else 500, STREAMING, str(message["error"])[:200])
    stream, name, payload = message.get("stream"), message.get("event"), message.get("payload")
    if not isinstance(stream, list) or not isinstance(name, str) or not isinstance(payload, str):
        return None
    words = [str(each).lower() for each in (*stream, "", "")]
    feed = channels.get((words[0], words[1]))
    return None if feed is None else Event(feed, name, payload)


async def _listed(web: Web, api: Api, feeds: Sequence[Feed], base: str) -> AsyncGenerator[Event, None]:
    """A stream of server-sent events per feed; where one ends, all are opened anew."""
    queue: asyncio.Queue[Event] = asyncio.Queue(QUEUED)

    async def follow(feed: Feed) -> None:
        async for event in _feed_events(web, api, feed, base):
            await queue.put(event)

    tasks = [asyncio.ensure_future(follow(feed)) for feed in feeds]
    taking = asyncio.ensure_future(queue.get())
    try:
        while True:
            await asyncio.wait((taking, *tasks), return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                yield taking.result()
                taking = asyncio.ensure_future(queue.get())
                continue
            for task in tasks:
                if task.done():
                    task.result()
                    return
    finally:
        await cancel(taking, *tasks)


async def _feed_events(web: Web, api: Api, feed: Feed, base: str) -> AsyncIterator[Event]:
    lines = web.stream_lines(
        f"{base}{STREAMING}/{feed.stream_path}",
        headers=api.headers,
        accept=("text/event-stream",),
        token_key=api.instance.token_key,
        silence=EVENTS_SILENCE,
    )
    async with aclosing(lines) as stream:
        name, told = "", list[str]()
        async for line in stream:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if name and told:
                    yield Event(feed.key, name, "\n".join(told))
                name, told = "", []
            elif field == "event":
                name = value
            elif field == "data":
                told.append(value)
