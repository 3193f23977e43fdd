"""Local servers for the tests of `agents.web`: one speaks HTTP, one sends whatever bytes a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Answers each path with what a test gives; remembers the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[web.Request] = []
        self.url = ""

    @property
    def place(self) -> str:
        """``host:port``."""
        return self.url.partition("://")[2]

    def at(self, path: str, answer: Callable[[web.Request], web.StreamResponse]) -> str:
        """Answer ``path`` so; its URL."""

        async def given(request: web.Request) -> web.StreamResponse:
            return answer(request)

        self.answers[path] = given
        return self.url + path

    def moved(self, path: str, location: str, status: int = 302) -> str:
        """Redirect ``path``; its URL."""
        return self.at(path, lambda _: web.Response(status=status, headers={"Location": location}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        return await self.answers[request.path](request)


@asynccontextmanager
async def running(trust: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """A site on a free port of 127.0.0.1; with ``trust`` it speaks TLS."""
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
        site.url = "{}://{}:{}".format("https" if trust else "http", *runner.addresses[0])
        yield site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sending(*parts: bytes, closes: bool = True) -> AsyncIterator[str]:
    """The URL of a server that reads a request, sends ``parts``, and closes, or says nothing any more."""
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
            if not closes:
                await done.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone: what these tests are about
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        done.set()
        server.close()
