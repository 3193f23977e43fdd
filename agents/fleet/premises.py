"""What all agents of one process share: Kafka, the network, time; and how a source is built from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agents.backlog import Backlog
from agents.base import Clock, Sleep, Source
from agents.cursor import CursorStore
from agents.kinds import Loaded, load
from agents.options import AgentOptions
from agents.publisher import Publisher
from agents.rates import Budget, Limit
from agents.surroundings import Surroundings
from agents.web import Reach, Traffic, Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What a source may use: also of `molva agent check`, which has no Kafka."""

    traffic: Traffic
    metrics: Metrics
    clock: Clock
    sleep: Sleep
    jitter: Callable[[], float]
    watchlist: Watchlist | None
    grace: timedelta
    private: frozenset[str] = frozenset()
    """``host:port`` whose addresses may be private ones: MOLVA_AGENT_PRIVATE_HOSTS."""
    load: Callable[[str], Loaded] = load
    """Where kinds come from."""
    dry: bool = False
    """Its sources may only look."""

    def reach(self, options: AgentOptions) -> Reach:
        """What the agent may ask."""
        return Reach.of(*options.hosts(), redirects=options.REDIRECTS, private=self.private)

    def web(self, options: AgentOptions, budget: Budget, pace: float | None = None) -> Web:
        """The network for one agent and budget; ``pace``: requests per second of back-fill."""
        limits = options.effective_limits
        return Web(
            options.agent,
            self.reach(options),
            self.traffic,
            limit=Limit(limits.requests_per_second, limits.burst),
            budget=budget,
            pace=pace,
        )

    def source(self, options: AgentOptions, web: Web, budget: Budget) -> Source:
        """The agent's source.

        Raises:
            BadConfiguration: the kind cannot work with these options.
        """
        around = Surroundings(
            agent=options.agent,
            web=web,
            metrics=self.metrics,
            clock=self.clock,
            sleep=self.sleep,
            jitter=self.jitter,
            watchlist=self.watchlist,
            grace=self.grace,
            budget=budget,
            dry=self.dry,
        )
        return self.load(options.kind).build(options, around)


@dataclass(frozen=True, kw_only=True)
class Premises:
    """What an agent that publishes needs besides."""

    outside: Outside
    publisher: Publisher
    backlog: Backlog
    past_backlog: Backlog
    """Of back-fill: full sooner, so that it never takes the room of live posts."""
    files: CursorStore
    """Cursors of runs before the fleet; each is taken over once."""
    owner: str
    """What this process is called in reports."""
