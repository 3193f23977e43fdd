"""How tests read a local Telegram: options, surroundings with a clock that jumps, items up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing, nullcontext
from datetime import datetime
from typing import Any

from agents.base import Collected, Progress
from agents.manual_time import JumpingTime
from agents.options import Lookup
from agents.surroundings import Surroundings
from agents.telegram import Options, TelegramSource
from agents.web import Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.telegram.server import Server
from tests.agents.web.opening import local_web


def options_of(server: Server, *channels: str, session: str | None = None, **given: Any) -> Options:
    secrets = {"ID": "12345", "HASH": "0123456789abcdef", "SESSION": session or server.session}
    entry = {
        "name": "one",
        "kind": "telegram",
        "api_id": "env:ID",
        "api_hash": "env:HASH",
        "session": "env:SESSION",
        "channels": channels,
    }
    return Options.model_validate({**entry, **given}, context=Lookup(secrets))


class Reader:
    """Makes sources over one server, with one clock and one set of metrics."""

    def __init__(
        self, server: Server, *channels: str, watchlist: Watchlist | None = None, **given: Any
    ) -> None:
        self.server = server
        self.time = JumpingTime(server.world.now)
        server.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        self.options = options_of(server, *channels, **given)
        self.answer_seconds = 20.0

    def source(self, web: Web) -> TelegramSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return TelegramSource(self.options, around, answer_seconds=self.answer_seconds)

    def web(self, **options: Any) -> Web:
        """The network, for several readings in a row."""
        return local_web(self.server.url, time=self.time, metrics=self.metrics, **options)

    async def read(
        self,
        cursor: str | None = None,
        *,
        until: Callable[[Sequence[Collected]], bool] | None = None,
        web: Web | None = None,
    ) -> list[Collected]:
        """Items up to the first moment at which all channels are read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with (
            nullcontext(web) if web else self.web() as known,
            aclosing(self.source(known).posts(cursor)) as stream,  # type: ignore[type-var]
        ):
            async for item in stream:
                items.append(item)
                if until(items) if until else isinstance(item, Progress) and item.caught_up:
                    break
        return items

    async def past(self, since: datetime, until: datetime, cursor: str | None = None) -> list[Collected]:
        """All items of a period."""
        async with (
            self.web() as web,
            aclosing(self.source(web).history(since, until, cursor)) as stream,  # type: ignore[type-var]
        ):
            return [item async for item in stream]
