"""The back-fills of one agent of a fleet: one after the other, those of agents.yaml and those asked for.

``molva agents backfill`` asks by a row in the topic of the cursors; the owner reads it, at once or when it
takes over, and deletes it when the period is done. One that is deleted by somebody else is withdrawn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
from agents.waiting import cancel, either

TRIES = 5
"""After so many failures in a row another request has its turn; this one comes again after it."""

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
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        """``ready`` is waited for after a failure, before anything is asked again."""
        self._options = options
        self._premises = premises
        self._publisher = publisher
        self._cursors = cursors
        self._write = write
        self._vitals = vitals
        self._ready = ready
        self._changed = asyncio.Event()
        self._asked: dict[str, Backfill] = {}
        self._requested: set[str] = set()
        """Keys that stand in the topic."""
        self._present = ""
        """The key of the one that is worked on."""
        self._over = asyncio.Event()
        """Its turn is over."""
        self._failures = 0
        """Of it, in a row."""
        self._totals = Totals()
        for key, value in list(rows.items()):
            if key.startswith(f"{options.agent}{REQUEST}"):
                self._note(key, value)
        self._of_the_file = "" if options.backfill is None else request_key(options.agent, options.backfill)
        if options.backfill is not None:
            self._asked.setdefault(self._of_the_file, options.backfill)

    async def told(self, key: str, value: bytes | None) -> None:
        """A row of the agent was written: requests are noted, and withdrawn."""
        if not key.startswith(f"{self._options.agent}{REQUEST}"):
            return
        if value is not None:
            self._note(key, value)
        elif key != self._of_the_file and key in self._asked:
            log.info("%s is withdrawn", key)
            del self._asked[key]
            self._requested.discard(key)
            if key == self._present:
                self._over.set()

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
            self._present, self._failures, self._totals = key, 0, Totals()
            if await self._turn(asked, stop):
                await self._settle(key)
            elif key not in self._asked and self._vitals.backfill is not None:
                self._vitals.backfill = self._vitals.backfill.model_copy(update={"problem": "withdrawn"})

    async def _turn(self, asked: Backfill, stop: asyncio.Event) -> bool:
        """`_one`, whose turn is over when the agent stops as well."""
        over = self._over = asyncio.Event()
        ending = asyncio.ensure_future(stop.wait())
        ending.add_done_callback(lambda _: over.set())
        try:
            return await self._one(asked)
        finally:
            self._present = ""
            await cancel(ending)

    async def _one(self, asked: Backfill) -> bool:
        """Whether it is done, or cannot be: until it is, or its turn is over."""
        period, agent = Period(asked.since, asked.until), self._options.agent
        if await self._is_done(period):
            return True
        outside = self._premises.outside
        self._vitals.backfill = PastReport(period=str(period))
        async with outside.web(self._options, "backfill", asked.requests_per_second) as web:
            source: Any = outside.source(self._options, web, "backfill")
            if not hasattr(source, "history"):
                problem = f"the {self._options.kind} agent cannot collect the past"
                log.error("%s, back-fill of %s: %s", agent, period, problem)
                self._vitals.backfill = PastReport(period=str(period), problem=problem)
                return True
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
                ready=self._ready,
            ).run(self._over)
        return await self._is_done(period)

    async def _is_done(self, period: Period) -> bool:
        saved = await asyncio.to_thread(self._cursors.load, f"{self._options.agent}{BACKFILL}")
        return Ledger.read(saved).has(period)

    async def _settle(self, key: str) -> None:
        """The request is done: it is not asked for any more."""
        if key in self._requested:
            await self._write(key, None)
            self._requested.discard(key)
        self._asked.pop(key, None)
        shown = self._vitals.backfill
        if shown is not None and not shown.problem and not self._asked:
            self._vitals.backfill = shown.model_copy(update={"done": True})

    def _show(self, period: Period, totals: Totals) -> None:
        if totals != self._totals:
            self._totals, self._failures = totals, 0
        self._vitals.backfill = PastReport(period=str(period), posts=totals.posts)

    def _wait(self, period: Period, error: Unavailable) -> None:
        self._failures += 1
        if self._failures >= TRIES and len(self._asked) > 1:
            self._over.set()
        posts = 0 if self._vitals.backfill is None else self._vitals.backfill.posts
        self._vitals.backfill = PastReport(period=str(period), posts=posts, problem=str(error)[:500])
