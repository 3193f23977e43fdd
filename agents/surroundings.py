"""What an agent's source is given by whoever runs it: time, chance, metrics, the network, the watchlist."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agents.base import DEFAULT_GRACE, Clock, Sleep
from agents.rates import Budget
from agents.web import Web
from pipeline.core.watchlist import Watchlist
from pipeline.metrics import Metrics


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Made anew for each run of a source; a source never looks at a clock or the network by itself."""

    agent: str
    """The source's ``name``, ``<kind>:<entry>``."""
    web: Web
    """The only way to ask over HTTP: hosts of the options, public addresses, limits, retries."""
    metrics: Metrics
    clock: Clock
    sleep: Sleep = asyncio.sleep
    jitter: Callable[[], float] = random.random
    """A number from 0 to 1, to spread requests."""
    watchlist: Watchlist | None = None
    """What is watched; None: no watchlist is set."""
    grace: timedelta = DEFAULT_GRACE
    """How late a live post may be found and still be judged (MOLVA_LIVE_GRACE): the ``grace`` of a source
    that hears of posts at once; one that polls adds its interval."""
    budget: Budget = "live"
    """Which share of the limits the requests are taken from."""
    dry: bool = False
    """Only a look (`molva agent check`): nothing is marked, subscribed to or listened for."""
