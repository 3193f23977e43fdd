"""What every request of an agent passes before it goes out, and what its outcome means for the next ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import httpx

from agents.rates import Bucket, Budget, Limit, Turns
from agents.web.question import Question
from agents.web.reach import Reach, host_of
from agents.web.refusals import Declined, shown
from agents.web.reply import retry_after
from agents.web.traffic import Traffic

PAUSE: Final = timedelta(seconds=30)
"""After HTTP 429 without Retry-After."""
TOO_MANY: Final = 429
UNAVAILABLE: Final = 503
SERVER_ERROR: Final = 500


class Gate:
    """One agent's way out: what it may ask (``reach``), how often (``limit``), from which budget."""

    def __init__(
        self,
        agent: str,
        reach: Reach,
        traffic: Traffic,
        limit: Limit,
        budget: Budget = "live",
        pace: float | None = None,
    ) -> None:
        self.agent = agent
        self.reach = reach
        self.traffic = traffic
        self._limit = limit
        self._budget: Budget = budget
        self._pace = None if pace is None else Turns(Bucket(Limit(pace), traffic.clock), traffic.sleep)

    async def let(self, question: Question) -> None:
        """Check where a request goes, and wait for its turn; a host that only a redirect names has none.

        Raises:
            Forbidden: the configuration does not name it, or another rule forbids it.
            Refused: the host is left alone, or the turn would come too late.
        """
        self.reach.check(question.url, redirected=question.redirects > 0, secret=question.secret)
        if question.redirects and not self.reach.names(question.url):
            return
        if self._pace is not None:
            await self._pace.wait("live")
        server = self.reach.server(question.url)
        await self.traffic.admit(
            self.agent, question.place, server, question.token_key, self._limit, self._budget
        )

    def rest(self, url: httpx.URL, span: timedelta, token_key: str) -> None:
        """Let nothing through to the host of ``url`` with that token for ``span``."""
        self.traffic.rest(self.reach.server(url), token_key, self._limit, span)

    def obey(self, question: Question, status: int, headers: httpx.Headers) -> timedelta | None:
        """How long the server wants to be left alone, which it now is; None: it does not say so."""
        wait = retry_after(headers, self.traffic.clock()) if status in (TOO_MANY, UNAVAILABLE) else None
        if status == TOO_MANY and wait is None:
            wait = PAUSE
        if wait is not None:
            self.rest(question.url, wait, question.token_key)
        return wait

    def declined(self, question: Question, status: int, headers: httpx.Headers) -> Declined:
        """The error for a stream that was not opened; a wish for rest is obeyed."""
        wait = self.obey(question, status, headers)
        return Declined(f"{shown(question.url)}: HTTP {status}", status, wait)

    def compare_clocks(self, question: Question, told: datetime | None) -> None:
        """Export how far the server's clock is ahead of ours; feeds compare those of their sources."""
        if told is not None and self.reach.redirects == "named":
            offset = (told - self.traffic.clock()).total_seconds()
            self.traffic.metrics.source_clock_offset.labels(self.agent, host_of(question.url)).set(offset)
