"""A TCP proxy between the workers and a server: it cuts, holds, delays or throttles what goes through it."""

from __future__ import annotations

import asyncio
from typing import Literal, Self

LOOPBACK = "127.0.0.1"
CHUNK = 65_536

Mode = Literal["open", "cut", "hole", "delay", "slow"]
"""cut: connections are reset, new ones too; hole: bytes are held and nobody is told; delay: every chunk
waits; slow: every chunk waits as long as its bytes take at the rate."""


class Proxy:
    """Listens on a free port of 127.0.0.1 that stays the same; ``target`` is the port of the server.

    ``delay_s``: of each chunk of up to 64 KiB and direction in mode delay. ``bytes_per_s``: of each
    connection and direction in mode slow.
    """

    def __init__(self, delay_s: float = 0.25, bytes_per_s: float = 100_000.0) -> None:
        self.port = 0
        self.target = 0
        self.connections = 0
        """Accepted so far."""
        self._delay_s = delay_s
        self._bytes_per_s = bytes_per_s
        self._mode: Mode = "open"
        self._flowing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._flowing.set()
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._reset()

    async def set_mode(self, mode: Mode) -> None:
        """From now on; bytes that were held go on when it is "open" again."""
        self._mode = mode
        if mode == "hole":
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode == "cut":
            await self._reset()

    async def _reset(self) -> None:
        pairs = list(self._pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = asyncio.create_task(self._join(reader, writer))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if self._mode == "cut":
                return
            await self._flowing.wait()
            onward, back = await asyncio.open_connection(LOOPBACK, self.target)
            ends.append(back)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, back))
                pumps.create_task(self._pump(onward, writer))
        except (OSError, ExceptionGroup):
            pass  # one end is gone, so the other goes, too
        finally:
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            if self._mode == "delay":
                await asyncio.sleep(self._delay_s)
            elif self._mode == "slow":
                await asyncio.sleep(len(chunk) / self._bytes_per_s)
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError("the other end has closed")
