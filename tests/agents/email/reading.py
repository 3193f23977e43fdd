"""How tests read the local IMAP server: options, surroundings, items up to a moment."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from agents.base import Collected, Progress
from agents.email import EmailSource, Options
from agents.manual_time import JumpingTime, ManualTime
from agents.options import Lookup
from agents.surroundings import Surroundings
from agents.web import Limit, Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics
from tests.agents.email.server import PASSWORD, USER, Server
from tests.agents.web.opening import FAST, local_web, quiet_traffic

SECRETS = Lookup({"PASSWORD": PASSWORD, "KEY": "a key", "TOKEN": "ya29.token", "WRONG": "wrong"})


class Reader:
    """Makes sources over one server, with one clock and one set of metrics.

    ``limited``: within the limits of the kind; otherwise within none to speak of.
    """

    def __init__(
        self,
        server: Server,
        *,
        time: ManualTime | None = None,
        trust: ssl.SSLContext | None = None,
        limited: bool = False,
        watchlist: Watchlist | None = None,
        **given: Any,
    ) -> None:
        self.server = server
        self.time = time or JumpingTime(server.now)
        server.clock = self.time.clock
        self.metrics = Metrics()
        self.watchlist = watchlist
        self.trust = trust
        self.limited = limited
        entry = {
            "name": "one", "kind": "email", "host": "127.0.0.1", "port": server.port, "security": "none",
            "user": USER, "password": "env:PASSWORD", "hash_key": "env:KEY",
        }  # fmt: skip
        entry |= given
        chosen = {key: value for key, value in entry.items() if value is not None}
        self.options = Options.model_validate(chosen, context=SECRETS)

    def web(self, *more: str) -> Web:
        extra = {} if self.trust is None else {"trust": self.trust}
        traffic = quiet_traffic(self.time, self.metrics, **extra)
        limits = self.options.effective_limits
        limit = Limit(limits.requests_per_second, limits.burst) if self.limited else FAST
        urls = (self.server.url, *more, *self.options.hosts())
        return local_web(*urls, time=self.time, traffic=traffic, limit=limit)

    def source(self, web: Web) -> EmailSource:
        around = Surroundings(
            agent=self.options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.5,
            watchlist=self.watchlist,
        )
        return EmailSource(self.options, around)

    async def read(
        self, cursor: str | None = None, *, until: Callable[[Sequence[Collected]], bool] | None = None
    ) -> list[Collected]:
        """Items up to the first moment at which all folders are read, or ``until`` says so of the items."""
        items: list[Collected] = []
        async with self.web() as web, aclosing(self.source(web).posts(cursor)) as stream:  # type: ignore[type-var]
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

    def skipped(self, reason: str) -> float:
        labels = {"agent": self.options.agent, "reason": reason}
        return self.metrics.registry.get_sample_value("molva_agent_skipped_total", labels) or 0.0
