"""The stream of all posts: Jetstream over WebSocket, from a moment on, with other servers where one fails.

A cursor is a moment, so any server can go on from it; their clocks and orders differ a little, so each
connection begins a few seconds earlier, and what is told twice is recognised later.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from agents.base import SourceUnavailable
from agents.bluesky.cursor import microseconds
from agents.bluesky.records import POST, REPOST
from agents.surroundings import Surroundings
from agents.waiting import cancel
from agents.web import Forbidden

OVERLAP: Final = timedelta(seconds=5)
QUEUED: Final = 2000
MOST_TEXTS: Final = 500
IDLE: Final = timedelta(seconds=30)
BUSY_SILENCE: Final = 60.0
"""All posts of the network are never silent for so long."""
QUIET_SILENCE: Final = 86_400.0
"""A few accounts may be; that the server is there is seen by pings, every 30 s."""
PAUSE: Final = timedelta(seconds=2)
MOST_ACCOUNTS: Final = 10_000
INLINE: Final = 100
"""More accounts do not fit into an address; they are sent as the first message."""

log = logging.getLogger("molva.agent.bluesky")


class Batch(NamedTuple):
    """Messages that came together; none: nothing has come for a while. ``start``: where the server began."""

    texts: list[str]
    start: int
    first: bool
    """The first of its connection."""


class Jetstream:
    """Reads the servers in turn.

    Args:
        dids: the accounts whose events are wanted; empty: those of all.
    """

    def __init__(self, hosts: Sequence[str], around: Surroundings, dids: Sequence[str] = ()) -> None:
        self._hosts = hosts
        self._around = around
        self.wanted = tuple(dids)[:MOST_ACCOUNTS]
        self._turn = 0
        self.begun = 0
        """When the present connection was opened, in microseconds."""
        self.position = 0
        """The newest ``time_us`` that was worked off; set by who reads."""

    async def batches(self, position: int) -> AsyncGenerator[Batch, None]:
        """Messages from a moment on, without end.

        Raises:
            SourceUnavailable: no server tells anything.
        """
        self.position, failures = position, 0
        while True:
            start, self.begun = self.position - microseconds_of(OVERLAP), microseconds(self._around.clock())
            try:
                async with aclosing(self._connected(start)) as batches:
                    async for batch in batches:
                        if batch.texts:
                            failures = 0
                        yield batch
                failures += 1
            except (SourceUnavailable, Forbidden) as error:
                failures += 1
                self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
                log.warning("%s: %s; the next server goes on", self._around.agent, error)
                if failures >= len(self._hosts):
                    raise SourceUnavailable(
                        f"none of the Jetstream servers answers; the last one: {error}"
                    ) from error
            self._turn += 1
            await self._around.sleep((PAUSE * failures).total_seconds())

    def _url(self, start: int) -> str:
        host = self._hosts[self._turn % len(self._hosts)]
        collections = (POST, REPOST) if self.wanted else (POST,)
        query = [("wantedCollections", each) for each in collections]
        query += [("wantedDids", each) for each in self.wanted] if len(self.wanted) <= INLINE else []
        query += [("requireHello", "true")] if len(self.wanted) > INLINE else []
        return f"{host}/subscribe?{urlencode([*query, ('cursor', str(start))])}"

    async def _connected(self, start: int) -> AsyncGenerator[Batch, None]:
        queue: asyncio.Queue[str] = asyncio.Queue(QUEUED)
        receiving = asyncio.ensure_future(self._receive(start, queue))
        first = True
        try:
            while (texts := await self._taken(queue, receiving)) is not None:
                yield Batch(texts, start, first and bool(texts))
                first = first and not texts
        finally:
            await cancel(receiving)

    async def _receive(self, start: int, queue: asyncio.Queue[str]) -> None:
        opening = [_wishes(self.wanted)] if len(self.wanted) > INLINE else []
        socket = self._around.web.websocket(
            self._url(start), opening=opening, silence=QUIET_SILENCE if self.wanted else BUSY_SILENCE
        )
        async with aclosing(socket) as texts:
            async for text in texts:
                await queue.put(text)

    async def _taken(self, queue: asyncio.Queue[str], receiving: asyncio.Future[None]) -> list[str] | None:
        """What is in the queue, after `IDLE` nothing; None where the server has ended the stream."""
        if queue.empty():
            texts: list[str] = []
            taking: asyncio.Future[Any] = asyncio.ensure_future(queue.get())
            resting: asyncio.Future[Any] = asyncio.ensure_future(self._around.sleep(IDLE.total_seconds()))
            try:
                await asyncio.wait((taking, resting, receiving), return_when=asyncio.FIRST_COMPLETED)
                if taking.done():
                    texts.append(taking.result())
            finally:
                await cancel(taking, resting)
            if not texts and receiving.done() and queue.empty():
                receiving.result()
                return None
        else:
            texts = []
        while len(texts) < MOST_TEXTS and not queue.empty():
            texts.append(queue.get_nowait())
        return texts


def microseconds_of(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _wishes(dids: Sequence[str]) -> str:
    payload = {"wantedCollections": [POST, REPOST], "wantedDids": list(dids), "maxMessageSizeBytes": 0}
    return json.dumps({"type": "options_update", "payload": payload})
