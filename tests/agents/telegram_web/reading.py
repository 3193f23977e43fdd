"""How tests read the local ``t.me``: options, surroundings with a clock that jumps, items up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from agents.base import Collected, Progress
from agents.manual_time import JumpingTime
from agents.options import Lookup
from agents.surroundings import Surroundings
from agents.telegram_web import Options, TelegramWebSource
from agents.web import Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.telegram_web.server import Server
from tests.agents.web.opening import local_web


class Reader:
    """Makes sources over one server, with one clock and one set of metrics."""

    def __init__(
        self, server: Server, *channels: str, watchlist: Watchlist | None = None, **given: Any
    ) -> None:
        self.server = server
        self.time = JumpingTime(server.now)
        server.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        entry = {"name": "one", "kind": "telegram-web", "channels": channels, "site": server.url}
        self.options = Options.model_validate({**entry, **given}, context=Lookup())

    def source(self, web: Web) -> TelegramWebSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return TelegramWebSource(self.options, around)

    async def read(
        self,
        cursor: str | None = None,
        *,
        until: Callable[[Sequence[Collected]], bool] | None = None,
        **web_options: Any,
    ) -> list[Collected]:
        """Items up to the first moment at which all channels are read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with (
            local_web(self.server.url, time=self.time, metrics=self.metrics, **web_options) as web,
            aclosing(self.source(web).posts(cursor)) as stream,  # type: ignore[type-var]
        ):
            async for item in stream:
                items.append(item)
                if until(items) if until else isinstance(item, Progress) and item.caught_up:
                    break
        return items

    async def past(self, since: datetime, until: datetime, cursor: str | None = None) -> list[Collected]:
        """All items of a period."""
        async with (
            local_web(self.server.url, time=self.time) as web,
            aclosing(self.source(web).history(since, until, cursor)) as stream,  # type: ignore[type-var]
        ):
            return [item async for item in stream]
