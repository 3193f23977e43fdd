"""How tests read local instances: options, surroundings with a manual clock, items up to a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from agents.base import Collected, Progress
from agents.manual_time import ManualTime
from agents.mastodon import MastodonSource, Options
from agents.options import Lookup
from agents.surroundings import Surroundings
from agents.web import Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.mastodon.server import Server
from tests.agents.web.opening import local_web

PATIENCE = 60.0
Until = Callable[[Sequence[Collected]], bool]


class Living:
    """A source that runs: ``items`` are what it has given so far."""

    def __init__(self, source: MastodonSource, cursor: str | None) -> None:
        self.items: list[Collected] = []
        self._changed = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(source, cursor))

    async def _run(self, source: MastodonSource, cursor: str | None) -> None:
        stream = source.posts(cursor)
        try:
            async for item in stream:
                self.items.append(item)
                self._changed.set()
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    async def until(
        self, reached: Callable[[], bool], passing: ManualTime | None = None, *, seconds: float = 1
    ) -> None:
        """Wait until something is so, while time passes by ``seconds`` if need be; an error is raised."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                if self._task.done():
                    self._task.result()
                if passing is not None:
                    passing.move(seconds=seconds)
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()


class Reader:
    """Makes sources over servers, with one clock and one set of metrics."""

    def __init__(
        self,
        *servers: Server,
        watchlist: Watchlist | None = None,
        time: ManualTime | None = None,
        instance: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        self.servers = servers
        self.time = time or ManualTime(servers[0].now)
        for server in servers:
            server.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        entries = [{"url": server.url, **(instance or {})} for server in servers]
        entry = {"name": "one", "kind": "mastodon", "instances": entries, **given}
        self.options = Options.model_validate(entry, context=Lookup({"TOKEN": "t0ken"}))

    def source(self, web: Web) -> MastodonSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return MastodonSource(self.options, around)

    def web(self, **options: Any) -> Web:
        urls = [server.url for server in self.servers]
        return local_web(*urls, time=self.time, metrics=self.metrics, **options)

    @asynccontextmanager
    async def living(self, cursor: str | None = None, **web_options: Any) -> AsyncGenerator[Living, None]:
        async with self.web(**web_options) as web:
            living = Living(self.source(web), cursor)
            try:
                yield living
            finally:
                await living.close()

    async def read(
        self, cursor: str | None = None, *, until: Until | None = None, **web: Any
    ) -> list[Collected]:
        """Items up to the present, or until ``until`` says so of them."""
        async with self.living(cursor, **web) as living:
            await living.until(lambda: (until or is_caught_up)(living.items))
            return living.items


def is_caught_up(items: Sequence[Collected]) -> bool:
    return any(isinstance(each, Progress) and each.caught_up for each in items)
