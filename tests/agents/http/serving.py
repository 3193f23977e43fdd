"""An ingest over real HTTP, and what its tests send to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from aiohttp import ClientSession
from yarl import URL

from agents.http.access import Access
from agents.http.callers import Caller
from agents.http.ingest import Ingest
from agents.http.service import opened
from agents.manual_time import ManualTime
from agents.publisher import Publisher
from pipeline.metrics import Metrics

TOKEN = "for-this-test"
WAIT_SECONDS = 20.0
"""For an answer that must come."""


class Reached(Protocol):
    """Whatever knows the address of a server."""

    @property
    def url(self) -> URL: ...


class Client:
    """Posts to a running ingest."""

    def __init__(self, session: ClientSession, url: URL) -> None:
        self._session = session
        self.url = url
        self.headers: Any = {}
        """Of the last answer."""

    async def post(
        self, body: Any, *, token: str | None = TOKEN, path: str = "", **headers: str
    ) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        url = self.url.with_path(path) if path else self.url
        async with self._session.post(url, data=body, headers=named) as answer:
            self.headers = answer.headers
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._session.get(self.url.with_path(path)) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def served(
    publisher: Publisher,
    metrics: Metrics | None = None,
    *,
    token: str = TOKEN,
    time: ManualTime | None = None,
    callers: Iterable[Caller] | None = None,
    access: Access | None = None,
    **more: Any,
) -> AsyncIterator[Client]:
    """An ingest that listens; its token may everything."""
    metrics, time = metrics or Metrics(), time or ManualTime()
    access = access or Access(token, metrics, clock=time.clock, callers=callers)
    ingest = Ingest(publisher, metrics, access=access, clock=time.clock, **more)
    async with opened(ingest, "127.0.0.1", 0) as (host, port), ClientSession() as session:
        yield Client(session, URL(f"http://{host}:{port}/v1/posts"))


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "source": "crm",
        "created_at": "2026-11-21T11:59:00Z",
        "text": "привет",
    } | fields


def encoded(*rows: Any) -> bytes:
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in rows).encode()


class Wire:
    """A connection on which the test chooses every byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self, *, body: bool = True) -> tuple[int, dict[str, Any]]:
        """The next answer; its status is 0 where the connection ends without one."""
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_SECONDS)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}
        lines = head.decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip() for name, _, value in fields}
        length = int(headers.get("content-length", "0")) if body else 0
        content = await asyncio.wait_for(self.reader.readexactly(length), WAIT_SECONDS)
        is_json = content and headers.get("content-type", "").startswith("application/json")
        return int(lines[0].split()[1]), json.loads(content) if is_json else {}

    async def ended(self) -> None:
        """Wait until the server has closed it."""
        try:
            while await asyncio.wait_for(self.reader.read(65_536), WAIT_SECONDS):
                pass
        except ConnectionError:
            pass


@asynccontextmanager
async def wired(client: Reached) -> AsyncIterator[Wire]:
    """A connection to the server that a client asks."""
    reader, writer = await asyncio.open_connection(client.url.host, client.url.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def head(*lines: str, length: int | None = None, method: str = "POST", path: str = "/v1/posts") -> bytes:
    """The head of a request with the right token."""
    all_lines = [f"{method} {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {TOKEN}", *lines]
    if length is not None:
        all_lines.append(f"Content-Length: {length}")
    return "\r\n".join(all_lines).encode("latin-1") + b"\r\n\r\n"
