"""Periods that the stream has forgotten: read by searches, page by page, while the stream goes on."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from agents.base import Collected, Refused, SourceUnavailable
from agents.bluesky.cursor import Past
from agents.bluesky.past import Reader
from agents.surroundings import Surroundings
from agents.web import Forbidden

MOST: Final = 20
PAGES: Final = 20
"""Read between two batches of the stream, which waits for so long."""
TRIALS: Final = 6
"""Over an hour in all; what is then given up a back-fill brings."""
PAUSE: Final = timedelta(minutes=1)
HOUR_US: Final = 3_600_000_000

log = logging.getLogger("molva.agent.bluesky")


class Gaps:
    """``pending`` are the periods that are still to be read, the oldest first."""

    def __init__(self, reader: Reader, around: Surroundings, known: Sequence[Past]) -> None:
        self.pending = list(known)
        self._reader = reader
        self._around = around
        self._pages: AsyncGenerator[tuple[list[Collected], Past], None] | None = None
        self._failures = 0
        self._not_before: datetime | None = None

    @property
    def filling(self) -> bool:
        """Whether there is something to read, and nothing hinders it."""
        return bool(self.pending) and self._not_before is None

    def lost(self, since: int, until: int) -> None:
        """The stream has forgotten a period: it is told, and looked for from now on."""
        log.warning(
            "%s: %.1f hours are older than what Jetstream keeps; they are looked for by searches",
            self._around.agent,
            (until - since) / HOUR_US,
        )
        last = self.pending[-1] if self.pending else None
        untouched = last is not None and (last.question, last.reached) == (0, None) and self._pages is None
        if last is not None and ((untouched and last.until == since) or len(self.pending) == MOST):
            self.pending[-1] = Past(since=last.since, until=until)
            return
        self._around.metrics.agent_errors.labels(self._around.agent, "GapTooLong").inc()
        self.pending.append(Past(since=since, until=until))

    async def steps(self) -> AsyncIterator[list[Collected]]:
        """The next pages; after each step `pending` may be saved. What fails is told, and tried later."""
        for _ in range(PAGES):
            if not self.pending or self._is_too_early():
                return
            if self._pages is None:
                self._pages = self._reader.read(self.pending[0])
            try:
                items, self.pending[0] = await anext(self._pages)
            except StopAsyncIteration:
                self._pages = None
                del self.pending[0]
                items = []
            except (SourceUnavailable, Forbidden) as error:
                self._failed(error)
                continue
            else:
                self._failures = 0
            yield items

    async def aclose(self) -> None:
        """End the reading."""
        if self._pages is not None:
            await self._pages.aclose()
            self._pages = None

    def _is_too_early(self) -> bool:
        if self._not_before is not None and self._around.clock() >= self._not_before:
            self._not_before = None
        return self._not_before is not None

    def _failed(self, error: SourceUnavailable | Forbidden) -> None:
        """Wait; a question that fails again and again is left out, so that it does not hold up the others."""
        self._pages = None
        self._around.metrics.agent_errors.labels(self._around.agent, type(error).__name__).inc()
        log.warning("%s: the gap is not filled yet: %s", self._around.agent, error)
        asked = error.retry_after if isinstance(error, Refused) else None
        wait = max(PAUSE * 2**self._failures, asked or timedelta())
        self._not_before = self._around.clock() + wait
        self._failures += 1
        if self._failures == TRIALS:
            past = self.pending[0]
            self.pending[0] = Past(since=past.since, until=past.until, question=past.question + 1)
            self._failures = 0
            self._around.metrics.agent_errors.labels(self._around.agent, "GapNotFilled").inc()
            log.error("%s: a part of the gap is given up: see `molva agents backfill`", self._around.agent)
