"""The streams of a local Mastodon instance: one WebSocket for all channels, events for each."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import WSCloseCode, web

from tests.agents.mastodon.documents import Document


class Streams:
    """``sockets`` has the channels of each WebSocket, ``listeners`` those of streams of events."""

    def __init__(self) -> None:
        self.streaming_status = 0
        self.sockets: dict[web.WebSocketResponse, list[tuple[str, str]]] = {}
        self.listeners: dict[web.StreamResponse, tuple[str, str]] = {}
        self._streams: set[asyncio.Task[Any]] = set()

    async def hang_up(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """End all streams."""
        for socket in list(self.sockets):
            await socket.close(code=code)
        for task in list(self._streams):
            task.cancel()
        if self._streams:
            await asyncio.wait(self._streams)

    async def send(self, text: str) -> None:
        """Send raw text over all WebSockets."""
        for socket in list(self.sockets):
            await socket.send_str(text)

    def _tell(self, event: str, status: Document, payload: str = "") -> None:
        payload = payload or json.dumps(status, ensure_ascii=False)
        for socket, channels in list(self.sockets.items()):
            for name, tag in channels:
                if self._belongs(status, name, tag):
                    stream = [name, tag] if tag else [name]
                    told = json.dumps({"stream": stream, "event": event, "payload": payload})
                    self._send(socket.send_str(told))
        for listener, (name, tag) in list(self.listeners.items()):
            if self._belongs(status, name, tag):
                self._send(listener.write(f"event: {event}\ndata: {payload}\n\n".encode()))

    def _send(self, sending: Any) -> None:
        task = asyncio.ensure_future(sending)
        self._sending = task

    def _belongs(self, status: Document, name: str, tag: str) -> bool:
        local = "@" not in status["account"]["acct"]
        if status["visibility"] != "public" or status["reblog"]:
            return False
        if name == "hashtag":
            return tag in [each["name"] for each in status["tags"]]
        return name == "public" or local == (name == "public:local")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.streaming_status:
            return web.json_response({"error": "Access denied"}, status=self.streaming_status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[socket] = []
        try:
            async for message in socket:
                asked = json.loads(message.data)
                self.sockets[socket].append((asked["stream"], asked.get("tag", "")))
        finally:
            del self.sockets[socket]
        return socket

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.streaming_status:
            return web.json_response({"error": "Access denied"}, status=self.streaming_status)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b":)\n")
        self.listeners[stream] = (request.match_info["name"].replace("/", ":"), request.query.get("tag", ""))
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            while True:
                await asyncio.sleep(15)
                await stream.write(b":thump\n")
        finally:
            del self.listeners[stream]
            self._streams.discard(task)
