"""Opens a server to strangers: the ingest, and the endpoints of agents to which platforms push.

All of them take connections within limits (`agents.http.connections`); this is the one place that listens.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from agents.base import BadConfiguration
from agents.http.admission import IngestLimits
from agents.http.connections import Connections
from agents.waiting import cancel


@asynccontextmanager
async def listening(
    runner: web.AppRunner, limits: IngestLimits, host: str, port: int, *, to: str, setting: str
) -> AsyncIterator[tuple[str, int]]:
    """Serve an application for as long as the block runs; its runner is not set up yet.

    Args:
        to: what for, as errors say it: ``take posts``.
        setting: what chooses the address.

    Returns:
        The address: the one asked for, or the port that was free.

    Raises:
        BadConfiguration: the port is taken.
    """
    loop = asyncio.get_running_loop()
    connections = Connections(limits, loop.time)
    runner.app.middlewares.insert(0, connections.middleware)
    await runner.setup()
    sweeping = asyncio.ensure_future(connections.sweeping())
    server = None
    try:
        assert runner.server is not None
        try:
            server = await loop.create_server(connections.guarding(runner.server), host, port, backlog=256)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise BadConfiguration(
                f"cannot {to} on {host}:{port}: {why}; choose another {setting}"
            ) from error
        yield server.sockets[0].getsockname()[:2]
    finally:
        if server is not None:
            server.close()
        await cancel(sweeping)
        await runner.cleanup()


async def whole_body(request: web.Request, limits: IngestLimits) -> bytes:
    """The body of a request, which must come in time; its size is limited by the application.

    Raises:
        HTTPRequestTimeout: it came too slowly.
        HTTPBadRequest: its sender hung up.
        HTTPRequestEntityTooLarge: it is too large.
    """
    try:
        async with asyncio.timeout(limits.body.total_seconds()):
            return await request.read()
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    except ConnectionError as error:
        raise web.HTTPBadRequest from error
