"""How an agent is: its owner writes a row of it every few seconds, for ``molva agents``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.base import Clock
from pipeline.metrics import Metrics
from schemas.base import UtcDatetime

REPORT_SECONDS = 15.0
STALE = timedelta(seconds=4 * REPORT_SECONDS)
"""A report that is older tells of an agent that nobody runs, or of an owner that is cut off."""
TOO_LONG = timedelta(minutes=30)
"""An agent that waits for longer is no longer well."""
RATE_WINDOW = timedelta(minutes=10)
MAX_PROBLEM = 500

Phase = Literal["starting", "running", "waiting", "failed", "stopped"]


class PastReport(BaseModel):
    """How far a back-fill is."""

    model_config = ConfigDict(frozen=True)

    period: str
    posts: int = 0
    """Confirmed by this owner."""
    done: bool = False
    problem: str = ""


class Report(BaseModel):
    """One row: how an agent was at a moment, as its owner saw it."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    agent: str
    owner: str
    at: UtcDatetime
    began_at: UtcDatetime
    phase: Phase
    """waiting: the source or Kafka is away, it tries again; failed: a person must mend something."""
    problem: str = ""
    """Why it waits or has failed."""
    since: UtcDatetime | None = None
    """When the phase began; None: told by an older version of Molva."""
    posts: int = 0
    """Confirmed by this owner since ``began_at``, as all counts."""
    deletions: int = 0
    rejected: int = 0
    posts_per_minute: float = 0.0
    """Over the last ten minutes, or since the beginning."""
    last_post_at: UtcDatetime | None = None
    lag_seconds: float | None = None
    """How old posts are when they are collected, median of the last hundred; None: too few."""
    errors: Mapping[str, int] = {}
    """Failures by type."""
    open_circuits: tuple[str, ...] = ()
    """Hosts of the agent that are left alone because they failed several times."""
    backfill: PastReport | None = None

    def idle(self, now: datetime) -> bool:
        """Whether it has collected nothing for so long that a person should look, whatever it waits for."""
        return self.phase in ("starting", "waiting") and now - (self.since or self.began_at) > TOO_LONG

    def stale(self, now: datetime) -> bool:
        """Whether the owner has not reported for longer than it should."""
        return self.phase != "stopped" and now - self.at > STALE


def errors_of(metrics: Metrics, agent: str) -> dict[str, int]:
    """An agent's failures by type: also those that its source bears by itself, e.g. of one feed of many."""
    (family,) = metrics.agent_errors.collect()
    return {
        sample.labels["error"]: int(sample.value)
        for sample in family.samples
        if sample.labels.get("agent") == agent and sample.name.endswith("_total")
    }


def last_post_of(row: bytes | None) -> datetime | None:
    """When an earlier owner last published a post, by its last report; None: not known."""
    try:
        return None if row is None else Report.model_validate_json(row).last_post_at
    except ValidationError:  # of another version of Molva
        return None


class Vitals:
    """What is known of one agent while it runs here."""

    def __init__(self, agent: str, owner: str, metrics: Metrics, clock: Clock) -> None:
        self._agent = agent
        self._owner = owner
        self._metrics = metrics
        self._clock = clock
        self._began_at = clock()
        self._counted: deque[tuple[datetime, int]] = deque([(self._began_at, 0)])
        self.phase: Phase = "starting"
        self.problem = ""
        self._since = self._began_at
        self.posts = self.deletions = self.rejected = 0
        self.last_post_at: datetime | None = None
        self.lag_seconds: float | None = None
        self.places: frozenset[str] = frozenset()
        """What the agent may ask, as `agents.web.reach.Reach` has it."""
        self.backfill: PastReport | None = None

    def confirmed(self, posts: int, deletions: int, rejected: int, trouble: str = "") -> None:
        """Kafka has confirmed so many more; ``trouble`` is why the source finds nothing at present."""
        now = self._clock()
        if posts:
            self.last_post_at = now
            self.posts += posts
            self._counted.append((now, self.posts))
        self.deletions += deletions
        self.rejected += rejected
        self.now("waiting" if trouble else "running", trouble)

    def now(self, phase: Phase, problem: str = "") -> None:
        """The agent is in another phase; the gauge ``molva_agent_running`` tells it, too."""
        if phase != self.phase:
            self._since = self._clock()
        self.phase, self.problem = phase, problem[:MAX_PROBLEM]
        self._metrics.agent_running.labels(self._agent).set(0 if phase == "failed" else 1)

    def report(self) -> Report:
        """How it is now."""
        now = self._clock()
        while len(self._counted) > 1 and self._counted[1][0] <= now - RATE_WINDOW:
            self._counted.popleft()
        since, before = self._counted[0]
        span = min(max(now - since, timedelta(minutes=1)), RATE_WINDOW)
        return Report(
            agent=self._agent,
            owner=self._owner,
            at=now,
            began_at=self._began_at,
            phase=self.phase,
            problem=self.problem,
            since=self._since,
            posts=self.posts,
            deletions=self.deletions,
            rejected=self.rejected,
            posts_per_minute=round((self.posts - before) / (span / timedelta(minutes=1)), 2),
            last_post_at=self.last_post_at,
            lag_seconds=self.lag_seconds,
            errors=errors_of(self._metrics, self._agent),
            open_circuits=self._open_circuits(),
            backfill=self.backfill,
        )

    def _open_circuits(self) -> tuple[str, ...]:
        (family,) = self._metrics.web_circuit_open.collect()
        open_now = {sample.labels["host"] for sample in family.samples if sample.value}
        return tuple(sorted(place for place in open_now if self._asks(place)))

    def _asks(self, place: str) -> bool:
        return place in self.places or any(
            known.startswith("*.") and (place == known[2:] or place.endswith(known[1:]))
            for known in self.places
        )

    def forget(self) -> None:
        """The agent runs elsewhere from now on: this process tells nothing of it any more."""
        metrics = self._metrics
        for gauge in (
            metrics.agent_running,
            metrics.agent_last_post,
            metrics.source_last_post,
            metrics.source_silence,
            metrics.source_post_age,
            metrics.source_clock_offset,
        ):
            gauge.remove_by_labels({"agent": self._agent})
