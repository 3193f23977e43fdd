"""When a place (a channel, a list, a thread) is asked next: by its rhythm, later after failures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from agents.base import Clock, Refused, SourceUnavailable
from agents.surroundings import Surroundings

log = logging.getLogger("molva.agent")

LONGEST_BACKOFF: Final = timedelta(hours=6)
MANY: Final = 16


class Pace:
    """``due`` is the moment; ``trouble`` is the last error since the last success.

    Args:
        fastest: between two readings of a channel with much news.
        slowest: between two readings of a silent one.
        gap: between a reading and one for news that was pushed.
    """

    def __init__(
        self,
        clock: Clock,
        jitter: Callable[[], float],
        *,
        fastest: timedelta,
        slowest: timedelta,
        gap: timedelta = timedelta(),
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._fastest = fastest
        self._slowest = slowest
        self._gap = gap
        self._interval = fastest
        self._read = self.due = clock()
        self._failures = 0
        self.trouble: SourceUnavailable | None = None

    def visited(self, found: int, least: float = 0.0) -> None:
        """It was read, and gave that many items: twice as soon again after news, else half as late again.

        ``least`` is how many seconds the source wants to be left alone about it.
        """
        self._failures, self.trouble, self._read = 0, None, self._clock()
        faster, slower = self._interval / 2, self._interval * 1.5
        self._interval = max(self._fastest, faster) if found else min(self._slowest, slower)
        asked = min(timedelta(seconds=least), self._slowest)
        self.due = self._read + max(asked, self._interval * (0.9 + 0.2 * self._jitter()))

    def failed(self, error: SourceUnavailable, wait: timedelta = timedelta()) -> None:
        """It could not be read: it is tried after the slowest interval, then twice that, and so on."""
        self._failures, self.trouble = self._failures + 1, error
        backoff = min(self._slowest * 2 ** min(self._failures - 1, MANY), LONGEST_BACKOFF)
        self.due = self._clock() + max(backoff, wait)

    def pushed(self) -> None:
        """News was pushed: it is due at once, but not more often than every ``gap``, nor while it fails."""
        if self.trouble is None:
            self.due = min(self.due, max(self._clock(), self._read + self._gap))

    def postpone(self, wait: timedelta) -> None:
        """Nothing may be asked for a while."""
        self.due = max(self.due, self._clock() + wait)


def put_off(
    pace: Pace, error: SourceUnavailable, around: Surroundings, wait: timedelta | None = None
) -> None:
    """A place could not be read: it is tried later; the failure is counted and logged.

    Args:
        wait: how long at least; None: as the source asks (``Retry-After``).
    """
    if wait is None:
        wait = (error.retry_after if isinstance(error, Refused) else None) or timedelta()
    pace.failed(error, wait)
    around.metrics.agent_errors.labels(around.agent, type(error).__name__).inc()
    log.warning("%s: %s; tried again at %s", around.agent, error, f"{pace.due:%Y-%m-%d %H:%M:%S} UTC")


def trouble_of(errors: Iterable[SourceUnavailable | None]) -> str:
    """For `Progress.trouble`: why nothing is found, from the last error of each place; None is of one that
    answers, or was not asked yet, and then there is no trouble."""
    told = [None if error is None else str(error) for error in errors]
    if None in told:
        return ""
    return f"nothing can be read; {'; '.join(dict.fromkeys(map(str, told)))}" if told else ""
