"""The stream of a local Bluesky: Jetstream with replay from a cursor, and filters."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import WSCloseCode, web

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
Document = dict[str, Any]
_TID = "234567abcdefghijklmnopqrstuvwxyz"


class Jetstream:
    """``cursors`` are those that were asked for; ``kept`` is how much is remembered."""

    def __init__(self, clock: Any = None) -> None:
        self.now = NOON
        self.clock = clock or (lambda: self.now)
        self.events: list[Document] = []
        self.cursors: list[int] = []
        self.kept = timedelta(days=1)
        self.socket_status = 0
        self.sockets: dict[web.WebSocketResponse, Document] = {}
        self._sending: set[asyncio.Task[Any]] = set()

    def tell(self, event: Document, *, tell: bool = True) -> None:
        self.events.append(event)
        for socket, wishes in list(self.sockets.items()) if tell else ():
            if _is_wanted(event, wishes):
                self._start(socket.send_str(json.dumps(event, ensure_ascii=False)))

    async def send(self, text: str) -> None:
        """Send raw text over all WebSockets."""
        for socket in list(self.sockets):
            await socket.send_str(text)

    async def hang_up(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        if self._sending:
            await asyncio.wait(self._sending)
        for socket in list(self.sockets):
            await socket.close(code=code)

    def _start(self, sending: Any) -> None:
        task = asyncio.ensure_future(sending)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        if self.socket_status:
            return web.Response(status=self.socket_status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        wishes: Document = {
            name: request.query.getall(name, []) for name in ("wantedCollections", "wantedDids")
        }
        if request.query.get("requireHello") == "true":
            hello = json.loads((await socket.receive()).data)
            assert hello["type"] == "options_update"
            wishes = hello["payload"]
        cursor = int(request.query["cursor"])
        self.cursors.append(cursor)
        oldest = int((self.clock() - self.kept).timestamp() * 1_000_000)
        for event in [each for each in self.events if each["time_us"] >= max(cursor, oldest)]:
            if _is_wanted(event, wishes):
                await socket.send_str(json.dumps(event, ensure_ascii=False))
        self.sockets[socket] = wishes
        try:
            async for _ in socket:
                continue
        finally:
            del self.sockets[socket]
        return socket


def _is_wanted(event: Document, wishes: Document) -> bool:
    dids, collections = wishes["wantedDids"], wishes["wantedCollections"]
    if dids and event["did"] not in dids:
        return False
    return event["kind"] != "commit" or event["commit"]["collection"] in collections


def tid(time_us: int) -> str:
    number, letters = time_us << 10, ""
    for _ in range(13):
        letters = _TID[number & 31] + letters
        number >>= 5
    return letters


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
