"""How tests read a local platform: options, surroundings with a clock that jumps, items up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from agents.base import Collected, Progress
from agents.kinds import Loaded
from agents.manual_time import JumpingTime
from agents.options import Lookup
from agents.surroundings import Surroundings
from agents.web import Limit, Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.discussions.serving import LocalSite
from tests.agents.web.opening import FAST, local_web

MANY = 30_000
Until = Callable[[Sequence[Collected]], bool]


class Reader:
    """Makes sources of a kind over one local server, with one clock and one set of metrics."""

    def __init__(
        self, kind: Loaded, site: LocalSite, entry: dict[str, Any], watchlist: Watchlist | None = None
    ) -> None:
        self.kind = kind
        self.site = site
        self.time = JumpingTime(site.now)
        site.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        lookup = Lookup(environment={"KEY": "secret-key", "ID": "client-id", "SECRET": "client-secret"})
        self.options = kind.options.model_validate(entry, context=lookup)

    def source(self, web: Web) -> Any:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return self.kind.build(self.options, around)

    def web(self, *, limited: bool = False) -> Web:
        """The network; ``limited``: with the limits of the options."""
        limits = self.options.effective_limits
        limit = Limit(limits.requests_per_second, limits.burst) if limited else FAST
        return local_web(self.site.url, time=self.time, metrics=self.metrics, limit=limit)

    async def read(
        self, cursor: str | None = None, *, until: Until | None = None, limited: bool = False
    ) -> list[Collected]:
        """Items up to the first moment at which all has been read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with (
            self.web(limited=limited) as web,
            aclosing(self.source(web).posts(cursor)) as stream,
        ):
            async for item in stream:
                items.append(item)
                assert len(items) < MANY, "it never comes"
                if until(items) if until else isinstance(item, Progress) and item.caught_up:
                    break
        return items

    def passed(self, **span: float) -> Until:
        """Until so much time has passed."""
        ends = self.time.clock().timestamp() + sum(
            value * {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}[unit]
            for unit, value in span.items()
        )

        def reached(_: Sequence[Collected]) -> bool:
            self.site.now = self.time.clock()
            return self.site.now.timestamp() >= ends

        return reached

    async def past(self, since: datetime, until: datetime, cursor: str | None = None) -> list[Collected]:
        """All items of a period."""
        async with (
            local_web(self.site.url, time=self.time) as web,
            aclosing(self.source(web).history(since, until, cursor)) as stream,
        ):
            return [item async for item in stream]
