"""The back-fills of one agent of a fleet: one after the other, those of agents.yaml and those asked for.

``molva agents backfill`` asks by a row in the topic of the cursors; the owner reads it, at once or when it
takes over, and deletes it when the period is done.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from pydantic import ValidationError

from agents.base import History, Unavailable
from agents.checkpoints import Totals
from agents.fleet.cursor_rows import BACKFILL, REQUEST, KafkaCursors, Rows, Write
from agents.fleet.past import Ledger, PastSource, Period
from agents.fleet.premises import Premises
from agents.fleet.vitals import PastReport, Phase, Vitals
from agents.options import AgentOptions, Backfill
from agents.publisher import Publisher
from agents.runner import Runner
from agents.waiting import either

log = logging.getLogger("molva.agents")


def request_key(agent: str, asked: Backfill) -> str:
    """The row that asks for a back-fill: asking twice for a period asks once."""
    return f"{agent}{REQUEST}{Period(asked.since, asked.until)}"


class PastRuns:
    """Told of requests by `told`; works them off in `run`."""

    def __init__(
        self,
        options: AgentOptions,
        premises: Premises,
        publisher: Publisher,
        cursors: KafkaCursors,
        rows: Rows,
        write: Write,
        vitals: Vitals,
    ) -> None:
        self._options = options
        self._premises = premises
        self._publisher = publisher
        self._cursors = cursors
        self._write = write
        self._vitals = vitals
        self._changed = asyncio.Event()
        self._asked: dict[str, Backfill] = {}
        self._requested: set[str] = set()
        """Keys that stand in the topic."""
        own = f"{options.agent}{REQUEST}"
        for key, value in list(rows.items()):
            if key.startswith(own):
                self._note(key, value)
        if options.backfill is not None:
            self._asked.setdefault(request_key(options.agent, options.backfill), options.backfill)

    async def told(self, key: str, value: bytes | None) -> None:
        """A row of the agent was written; requests are noted."""
        if key.startswith(f"{self._options.agent}{REQUEST}") and value is not None:
            self._note(key, value)

    def _note(self, key: str, value: bytes) -> None:
        try:
            self._asked[key] = Backfill.model_validate_json(value)
        except ValidationError as error:
            log.error("%s is no request for a back-fill: %s", key, error)
            return
        self._requested.add(key)
        self._changed.set()

    def tell(self, phase: Phase, problem: str) -> None:
        """The back-fill has failed for now; the live stream has not."""
        shown = self._vitals.backfill or PastReport(period="")
        self._vitals.backfill = shown.model_copy(update={"problem": f"{phase}: {problem}"})

    async def run(self, stop: asyncio.Event) -> None:
        """Work off what is asked for, and wait for more, until ``stop``.

        Raises:
            AgentError: a failure that waiting does not cure.
        """
        while not stop.is_set():
            self._changed.clear()
            if not self._asked:
                await either(self._changed.wait(), stop.wait())
                continue
            key, asked = next(iter(self._asked.items()))
            self._asked[key] = self._asked.pop(key)  # one that fails must not hold up the others
            await self._one(asked, stop)
            if not stop.is_set():
                await self._settle(key)

    async def _one(self, asked: Backfill, stop: asyncio.Event) -> None:
        period, agent = Period(asked.since, asked.until), self._options.agent
        saved = await asyncio.to_thread(self._cursors.load, f"{agent}{BACKFILL}")
        if Ledger.read(saved).has(period):
            return
        outside = self._premises.outside
        self._vitals.backfill = PastReport(period=str(period))
        async with outside.web(self._options, "backfill", asked.requests_per_second) as web:
            source: Any = outside.source(self._options, web, "backfill")
            if not hasattr(source, "history"):
                problem = f"the {self._options.kind} agent cannot collect the past"
                log.error("%s, back-fill of %s: %s", agent, period, problem)
                self._vitals.backfill = PastReport(period=str(period), problem=problem)
                return
            past = PastSource(agent, cast(History, source), period)
            await Runner(
                past,
                self._publisher,
                self._cursors,
                outside.metrics,
                clock=outside.clock,
                sleep=outside.sleep,
                jitter=outside.jitter,
                on_progress=lambda totals: self._show(period, totals),
                backlog=self._premises.past_backlog,
                label=past.name,
                forget=False,
                on_failure=lambda error: self._wait(period, error),
            ).run(stop)

    async def _settle(self, key: str) -> None:
        """The request is done: it is not asked for any more."""
        del self._asked[key]
        if key in self._requested:
            await self._write(key, None)
            self._requested.discard(key)
        shown = self._vitals.backfill
        if shown is not None and not shown.problem and not self._asked:
            self._vitals.backfill = shown.model_copy(update={"done": True})

    def _show(self, period: Period, totals: Totals) -> None:
        self._vitals.backfill = PastReport(period=str(period), posts=totals.posts)

    def _wait(self, period: Period, error: Unavailable) -> None:
        posts = 0 if self._vitals.backfill is None else self._vitals.backfill.posts
        self._vitals.backfill = PastReport(period=str(period), posts=posts, problem=str(error)[:500])
