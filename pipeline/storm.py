"""The limit that stops a stage before it drains a topic into dead letters: one `StormLimit` per worker.

It is a token bucket in records, not in seconds, so a replay stops where the first run did: every record
that the stage takes adds ``share`` of a token (up to ``burst`` of them), every dead letter takes one. While
at most ``share`` of the records are bad it never empties; where all are, it does after burst / (1 - share).
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from contextlib import suppress
from datetime import timedelta

from pipeline.condition import PARTITIONS, Condition
from pipeline.errors import DeadLetterStorm
from pipeline.metrics import Metrics
from pipeline.settings import Settings

log = logging.getLogger("molva.storm")

SHARE, BURST = 0.2, 1000.0
EVERYTHING = 1.0
"""With this share no stage ever stops."""


class StormLimit:
    """Counts what one worker gives up. Not for several threads.

    Args:
        stage: whose; for the message and the metrics.
        share: of the records that may become dead letters for ever, 0 to 1 (1: never stop).
        burst: dead letters above that share that are borne with.
    """

    def __init__(self, stage: str, metrics: Metrics, *, share: float = SHARE, burst: float = BURST) -> None:
        self._stage, self._share, self._burst = stage, share, float(burst)
        self._metrics = metrics
        self._tokens = self._burst
        self._records = 0
        self._reasons: Counter[str] = Counter()
        self._last = ""
        metrics.dead_letter_storm.labels(stage).set(0)

    def take(self, records: int = 1) -> None:
        """Count records that the stage has read, good or bad."""
        if self._tokens >= self._burst:  # calm: what the message tells begins anew
            self._records = 0
            self._reasons.clear()
        self._tokens = min(self._burst, self._tokens + self._share * records)
        self._records += records

    def give_up(self, reason: str, detail: str) -> None:
        """Count a dead letter; also in ``molva_dead_letters_total``."""
        self._metrics.dead_letters.labels(self._stage, reason).inc()
        self._tokens -= 1
        self._reasons[reason] += 1
        self._last = detail

    @property
    def exceeded(self) -> bool:
        """More was given up than the limit allows: finish what has been taken, and take no more."""
        return self._share < EVERYTHING and self._tokens < 1

    def require(self) -> None:
        """Go on, or not.

        Raises:
            DeadLetterStorm: the limit is exceeded; nothing more may be read or acknowledged.
        """
        if not self.exceeded:
            return
        self._metrics.dead_letter_storm.labels(self._stage).set(1)
        reasons = ", ".join(f"{reason} {count}" for reason, count in self._reasons.most_common())
        raise DeadLetterStorm(
            f"{self._stage} stopped: {self._reasons.total()} of its last {self._records} records became dead "
            f"letters ({reasons}), and MOLVA_DEAD_LETTER_LIMIT={self._share:g} with "
            f"MOLVA_DEAD_LETTER_BURST={self._burst:g} allows no more. The last one: {self._last[:300]}. "
            f"What follows was not touched. See `molva dead-letters list --stage {self._stage}`; "
            "mend the cause and start the stage again, or raise the limit (1: never stop)"
        )


def storm_limit(settings: Settings, stage: str, metrics: Metrics) -> StormLimit:
    """The limit of the settings."""
    return StormLimit(stage, metrics, share=settings.dead_letter_limit, burst=settings.dead_letter_burst)


def storm_behind(ending: BaseException) -> DeadLetterStorm | None:
    """The storm that ended a stage, also where Faust has made a `SystemExit` of it."""
    cause: BaseException | None = ending
    while cause is not None and not isinstance(cause, DeadLetterStorm):
        cause = cause.__cause__ or cause.__context__
    return cause


async def hold(storm: DeadLetterStorm, condition: Condition, patience: timedelta) -> None:
    """Stay, reading nothing, until ``patience`` is over or SIGTERM or SIGINT comes; alive, but not ready.

    A process manager that restarts whatever ends would otherwise drain the topic in instalments, and
    Prometheus would never see ``molva_dead_letter_storm``.
    """
    if not patience:
        return
    log.error("%s", storm)
    condition.unwell(PARTITIONS, str(storm))
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    with condition.beating(), suppress(TimeoutError):
        async with asyncio.timeout(patience.total_seconds()):
            await told.wait()
