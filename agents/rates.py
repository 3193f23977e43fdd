"""How often a host may be asked with one token: a bucket that live requests and back-fill share.

Back-fill takes only what live requests leave. The bucket keeps two counts: ``whole``, what the server still
allows, and ``live``, what ``burst - 1`` would still allow had back-fill never run. Back-fill takes a token
only where ``whole`` stays at or above ``live``; so live requests never wait for back-fill, as long as at most
``burst - 1`` come at once. With a burst of 1 a live request may wait for the one that went out before it.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from agents.base import Clock, Refused, Sleep

Budget = Literal["live", "backfill"]

PATIENCE = timedelta(minutes=2)
"""Whoever is next and would have to wait longer is refused, so that nobody waits for hours unseen; or, where
the limit is below one request a minute, longer than for two requests."""
ROUNDING = 1e-6
MOST_BUCKETS = 10_000
"""Then those are forgotten that nobody waits for and that are full: a new one is no other."""


def token_key(name: str, token: str | bytes) -> str:
    """Names a token for its bucket, ``vk-6ca13d52ca70``, without telling it; two tokens have two."""
    known = token.encode("utf-8", "replace") if isinstance(token, str) else token
    return f"{name}-{hashlib.sha256(known).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``burst`` requests at once, and ``per_second`` in the long run."""

    per_second: float
    burst: int = 1


class Bucket:
    """The requests to one host with one token. A clock that goes back gives nothing and takes nothing."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._seen = clock().timestamp()
        self._whole = float(limit.burst)
        self._live = float(limit.burst - 1)
        self._closed_until = 0.0

    @property
    def limit(self) -> Limit:
        return self._limit

    def narrow(self, limit: Limit) -> None:
        """Two agents with one token: the lower of their limits holds for both."""
        self._refill()
        self._limit = Limit(
            min(self._limit.per_second, limit.per_second), min(self._limit.burst, limit.burst)
        )
        self._whole, self._live = min(self._whole, self._limit.burst), min(self._live, self._limit.burst - 1)

    def rest(self, span: timedelta) -> None:
        """Let nothing through for a while: the server asked for it."""
        self._closed_until = max(self._closed_until, self._clock().timestamp() + span.total_seconds())

    def is_full(self) -> bool:
        """Whether it is as a new one would be."""
        self._refill()
        return self._closed_until <= self._seen and self._whole >= self._limit.burst

    def take(self, budget: Budget) -> float:
        """Take a token: 0.0; or the seconds after which to try again."""
        self._refill()
        if (closed := self._closed_until - self._seen) > 0:
            return closed
        need = 1.0 if budget == "live" else max(1.0, self._live + 1.0)
        if self._whole + ROUNDING < need:
            return (need - self._whole) / self._limit.per_second
        self._whole -= 1.0
        if budget == "live":
            self._live -= 1.0
        return 0.0

    def _refill(self) -> None:
        now = self._clock().timestamp()
        gained = max(0.0, now - self._seen) * self._limit.per_second
        self._whole = min(self._whole + gained, float(self._limit.burst))
        self._live = min(self._live + gained, self._limit.burst - 1.0)
        self._seen = now


class Turns:
    """Who may ask next: live requests in the order in which they came, back-fill while no live one waits."""

    def __init__(self, bucket: Bucket, sleep: Sleep) -> None:
        self.bucket = bucket
        self._sleep = sleep
        self._queues = {"live": asyncio.Lock(), "backfill": asyncio.Lock()}

    def is_idle(self) -> bool:
        """Whether nobody waits, and nobody would notice if this were a new one."""
        return not any(queue.locked() for queue in self._queues.values()) and self.bucket.is_full()

    async def wait(self, budget: Budget) -> float:
        """Wait for a token, in turn.

        Returns:
            The seconds waited for tokens, by the sleeps asked for.

        Raises:
            Refused: it would take longer than `PATIENCE`, once all who came before are through.
        """
        waited = 0.0
        patience = max(PATIENCE.total_seconds(), 2.0 / self.bucket.limit.per_second)
        async with self._queues[budget]:
            while (wait := self._next(budget)) > 0:
                if wait > patience:
                    raise Refused(
                        f"the limit of requests is used up for {wait:.0f} s", timedelta(seconds=wait)
                    )
                waited += wait
                await self._sleep(wait)
        return waited

    def _next(self, budget: Budget) -> float:
        if budget == "backfill" and self._queues["live"].locked():
            return 1.0 / self.bucket.limit.per_second
        return self.bucket.take(budget)


class Rates:
    """The buckets of all agents of a process, by host and token."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._turns: dict[tuple[str, str], Turns] = {}
        self._most = MOST_BUCKETS

    def turns(self, host: str, token: str, limit: Limit) -> Turns:
        """The queue of ``host`` (``host:port``) for the token that ``token`` names (not the token itself).

        Wait in it at once: one that is kept may have been forgotten meanwhile.
        """
        known = self._turns.get((host, token))
        if known is None:
            self._forget()
            known = self._turns[host, token] = Turns(Bucket(limit, self._clock), self._sleep)
        elif known.bucket.limit != limit:
            known.bucket.narrow(limit)
        return known

    def _forget(self) -> None:
        """Drop idle buckets where there are many; what is left may double before the next look."""
        if len(self._turns) < self._most:
            return
        self._turns = {name: turns for name, turns in self._turns.items() if not turns.is_idle()}
        self._most = max(MOST_BUCKETS, 2 * len(self._turns))
