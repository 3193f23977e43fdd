"""What all agents of a process share when they ask the network: budgets, circuits, clocks, counts."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from datetime import timedelta

from agents.base import Clock, Sleep
from agents.rates import Budget, Limit, Rates
from agents.web.breaker import Breakers
from agents.web.wire import trusted
from pipeline.metrics import Metrics


class Traffic:
    """One per process (or per test), so that two agents with one token keep its limit together."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """``trust`` verifies servers; None: by the authorities of the system and Mozilla's."""
        self.metrics = metrics
        self.clock = clock
        self.sleep = sleep
        self.jitter = jitter
        self.trust = trust or trusted()
        self.rates = Rates(clock, sleep)
        self.breakers = Breakers(clock, jitter)

    async def admit(
        self, agent: str, host: str, server: str, token: str, limit: Limit, budget: Budget
    ) -> None:
        """Wait until ``host`` may be asked with the token that ``token`` names; see `Reach.server`.

        Raises:
            Refused: its circuit is open, or the turn would come too late.
        """
        self.breakers.check(host)
        waited = await self.rates.turns(server, token, limit).wait(budget)
        self.breakers.begin(host)
        self.metrics.web_waits.labels(agent, budget).inc(waited)

    def rest(self, server: str, token: str, limit: Limit, span: timedelta) -> None:
        """Ask ``server`` with that token no more for ``span``."""
        self.rates.turns(server, token, limit).bucket.rest(span)

    def count(self, agent: str, outcome: str) -> None:
        """Count a request by how it ended."""
        self.metrics.web_requests.labels(agent, outcome).inc()

    def failed(self, host: str) -> None:
        """Note that ``host`` did not answer, or answered with HTTP 5xx."""
        self.breakers.failed(host)
        if self.breakers.is_open(host):
            self.metrics.web_circuit_open.labels(host).set(1)
        for forgotten in self.breakers.forget():
            self.metrics.web_circuit_open.remove(forgotten)

    def succeeded(self, host: str) -> None:
        """Note an answer of ``host``."""
        if self.breakers.succeeded(host):
            self.metrics.web_circuit_open.remove(host)
