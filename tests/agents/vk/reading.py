"""How tests read the local VK: options, surroundings with a clock that jumps, items up to a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

from agents.base import Collected, Progress
from agents.manual_time import JumpingTime
from agents.options import Lookup
from agents.rates import Budget
from agents.surroundings import Surroundings
from agents.vk import Options, VkSource
from agents.web import Web
from pipeline.core.watchlist import Watchlist, WatchObject
from pipeline.metrics import Metrics
from tests.agents.vk.server import NOON, Server
from tests.agents.web.opening import local_web

Until = Callable[[Sequence[Collected]], bool]


def caught_up(items: Sequence[Collected]) -> bool:
    """Everything was read up to the present."""
    return isinstance(items[-1], Progress) and items[-1].caught_up


def watching(*aliases: str, vk: Sequence[str] = ()) -> Watchlist:
    """A watchlist of one company with own accounts."""
    accounts = {"vk": tuple(vk)} if vk else {}
    entry = {"id": "teplo", "kind": "brand", "name": "Тепло", "aliases": aliases, "accounts": accounts}
    return Watchlist((WatchObject.model_validate(entry),))


class Reader:
    """Makes sources over one server, with one clock and one set of metrics."""

    def __init__(self, server: Server, watchlist: Watchlist | None = None, **given: Any) -> None:
        self.server = server
        self.time = JumpingTime(NOON)
        server.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        entry = {"name": "one", "kind": "vk", "api": server.url, "token": "env:VK_TOKEN", **given}
        entry = {key: value for key, value in entry.items() if value is not None}
        secrets = {"VK_TOKEN": "user-token", "SECOND": "second-token", "SERVICE": "service-token"}
        self.options = Options.model_validate(entry, context=Lookup(environment=secrets))

    def source(self, web: Web, budget: Budget = "live") -> VkSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
            budget=budget,
        )
        return VkSource(self.options, around)

    @asynccontextmanager
    async def opened(self, *, budget: Budget = "live", **web_options: Any) -> AsyncIterator[VkSource]:
        """A source with a network of its own."""
        url = self.server.url
        async with local_web(url, time=self.time, metrics=self.metrics, **web_options) as web:
            yield self.source(web, budget)

    async def read(
        self, cursor: str | None = None, *, until: Until = caught_up, **web_options: Any
    ) -> list[Collected]:
        """Items up to the first moment at which everything is read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with (
            self.opened(**web_options) as source,
            aclosing(source.posts(cursor)) as stream,  # type: ignore[type-var]
        ):
            async for item in stream:
                items.append(item)
                if until(items):
                    break
        return items

    async def past(self, since: datetime, until: datetime, cursor: str | None = None) -> list[Collected]:
        """All items of a period."""
        async with self.opened(budget="backfill") as source:
            return [item async for item in source.history(since, until, cursor)]

    def errors(self, name: str) -> float:
        """How often a kind of error was counted."""
        labels = {"agent": self.options.agent, "error": name}
        return self.metrics.registry.get_sample_value("molva_agent_errors_total", labels) or 0.0
