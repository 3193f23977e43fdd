"""How tests read a source of lists: surroundings with a clock that jumps, items up to a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from agents.base import Collected, Progress
from agents.listing import ListingSource
from agents.manual_time import JumpingTime
from agents.options import AgentOptions
from agents.surroundings import Surroundings
from agents.web import Limit, Web
from agents.web.exchange import TIMES
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.web.opening import FAST, local_web

Build = Callable[[Any, Surroundings], ListingSource]


class Reader:
    """Makes sources over one server, with one clock and one set of metrics."""

    def __init__(
        self,
        build: Build,
        options: AgentOptions,
        time: JumpingTime,
        *urls: str,
        watchlist: Watchlist | None = None,
    ) -> None:
        self.options = options
        self.time = time
        self.metrics = Metrics()
        self._build = build
        self._urls = urls
        self.watchlist = watchlist
        self.times = TIMES

    def source(self, web: Web) -> ListingSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return self._build(self.options, around)

    def web(self, *, limited: bool = False) -> Web:
        """The network; ``limited``: with the limits of the options."""
        limits = self.options.effective_limits
        limit = Limit(limits.requests_per_second, limits.burst) if limited else FAST
        return local_web(*self._urls, time=self.time, metrics=self.metrics, limit=limit, times=self.times)

    async def read(
        self,
        cursor: str | None = None,
        *,
        until: Callable[[Sequence[Collected]], bool] | None = None,
        limited: bool = False,
    ) -> list[Collected]:
        """Items up to the first moment at which all lists are read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with (
            self.web(limited=limited) as web,
            aclosing(self.source(web).posts(cursor)) as stream,  # type: ignore[type-var]
        ):
            async for item in stream:
                items.append(item)
                if until(items) if until else _idle(item):
                    break
        return items

    def errors(self) -> dict[str, float]:
        """Failures of lists by type."""
        return {
            sample.labels["error"]: sample.value
            for metric in self.metrics.agent_errors.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }


def _idle(item: Collected) -> bool:
    return isinstance(item, Progress) and item.caught_up and item.cursor is None
