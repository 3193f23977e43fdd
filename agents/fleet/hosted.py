"""One agent of a fleet while this process owns it: its live source, its back-fills, its reports.

The two run side by side, each with its own budget, cursor and timeline; what fails for good is told, and
tried again every few minutes, because a person may have mended it at the source.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from agents.base import AgentError, SourceUnavailable, Unavailable
from agents.checkpoints import Totals
from agents.fleet.cursor_rows import RHYTHM, STATE, KafkaCursors, Rows, Write
from agents.fleet.lease import Lease, LeasedPublisher
from agents.fleet.past_runs import PastRuns
from agents.fleet.premises import Premises
from agents.fleet.vitals import REPORT_SECONDS, Phase, Vitals, last_post_of
from agents.options import AgentOptions
from agents.runner import Runner
from agents.source_health import SourceHealth
from agents.waiting import cancel, either

REMEDY_SECONDS = 300.0
"""After a failure that waiting does not cure."""
AGAIN_SECONDS = 15.0
"""After one that it does: Kafka was away while nothing was collected."""
ORDERLY_SECONDS, CANCEL_SECONDS, GOODBYE_SECONDS = 8.0, 3.0, 2.0
"""How long an end may take: with its posts confirmed, then at once, then the last report; together less than
a rebalance waits for its members."""

log = logging.getLogger("molva.agents")


class HostedAgent:
    """Runs from `start` to `stop`, once."""

    def __init__(
        self, options: AgentOptions, premises: Premises, rows: Rows, write: Write, lease: Lease
    ) -> None:
        self._options = options
        self._premises = premises
        self._lease = lease
        self._write = write
        outside = premises.outside
        self._stop = asyncio.Event()
        self._publisher = LeasedPublisher(premises.publisher, lease)
        self._cursors = KafkaCursors(rows, write)
        self._rhythms = KafkaCursors(rows, write, RHYTHM)
        self._vitals = Vitals(options.agent, premises.owner, outside.metrics, outside.clock)
        self._vitals.places = outside.reach(options).places
        self._vitals.last_post_at = last_post_of(rows.get(f"{options.agent}{STATE}"))
        self._past = PastRuns(
            options, premises, self._publisher, self._cursors, rows, write, self._vitals, lease.regained
        )
        self._tasks: tuple[asyncio.Future[None], ...] = ()

    def start(self) -> None:
        """Begin to collect."""
        self._vitals.now("starting")
        self._tasks = tuple(
            asyncio.ensure_future(work)
            for work in (
                self._keep(self._live, self._vitals.now),
                self._keep(partial(self._past.run, self._stop), self._past.tell),
                self._report_forever(),
            )
        )

    async def told(self, key: str, value: bytes | None) -> None:
        """Somebody has written a row of this agent."""
        await self._past.told(key, value)

    def halt(self) -> None:
        """Do nothing more from this moment on; `stop` follows."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()

    async def stop(self, *, orderly: bool) -> None:
        """Stop; ``orderly``: what was published is confirmed first, as far as Kafka does so in time."""
        name = self._options.agent
        self._stop.set()
        if orderly:
            _, late = await asyncio.wait(self._tasks[:2], timeout=ORDERLY_SECONDS)
            if late:
                log.warning("%s has not ended within %g s: it is cut off", name, ORDERLY_SECONDS)
        self.halt()
        ended, stuck = await asyncio.wait(self._tasks, timeout=CANCEL_SECONDS)
        if stuck:
            log.error("%s does not end: %s", name, ", ".join(map(repr, stuck)))
        for task in ended:
            if not task.cancelled() and (failure := task.exception()) is not None:
                log.error("%s did not work to its end", name, exc_info=failure)
        if orderly:
            self._vitals.now("stopped")
            try:
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._report()
            except TimeoutError:
                log.info("%s cannot tell that it has stopped: Kafka is away", name)
        self._vitals.forget()

    async def _live(self) -> None:
        outside, options = self._premises.outside, self._options
        await self._take_over()
        health = await asyncio.to_thread(
            SourceHealth, options.agent, outside.metrics, self._rhythms, clock=outside.clock
        )
        async with outside.web(options, "live") as web:
            before = Totals()

            def progress(totals: Totals) -> None:
                nonlocal before
                self._vitals.lag_seconds = health.lag
                self._vitals.confirmed(
                    totals.posts - before.posts,
                    totals.deletions - before.deletions,
                    totals.rejected - before.rejected,
                    totals.trouble,
                )
                before = totals

            await Runner(
                outside.source(options, web, "live"),
                self._publisher,
                self._cursors,
                outside.metrics,
                clock=outside.clock,
                sleep=outside.sleep,
                jitter=outside.jitter,
                on_progress=progress,
                health=health,
                backlog=self._premises.backlog,
                label=options.agent,
                on_failure=lambda error: self._vitals.now("waiting", str(error)),
                ready=self._lease.regained,
            ).run(self._stop)

    async def _take_over(self) -> None:
        """Begin at the cursor file of a run before the fleet, once: of this agent, or of its kind alone."""
        name, files = self._options.agent, self._premises.files
        if self._cursors.load(name) is not None:
            return
        for former in (name, self._options.kind):
            found = await asyncio.to_thread(files.load, former)
            if found is not None:
                await self._cursors.save(name, found)
                await files.clear(former)
                log.info("%s has taken over the cursor file of %s", name, former)
                return

    async def _keep(self, work: Callable[[], Awaitable[None]], tell: Callable[[Phase, str], None]) -> None:
        """Do the work until it is over; where it fails for good, tell, and try again later.

        The failure is looked at from outside, whatever it is: a mistake in one kind of agent must not end the
        others that this process runs.
        """
        outside, name = self._premises.outside, self._options.agent
        while not self._stop.is_set():
            working = asyncio.ensure_future(work())
            try:
                await asyncio.wait((working,))
            finally:
                await cancel(working)
            cut = working.cancelled()
            failure = SourceUnavailable("it was cancelled, by nobody outside") if cut else working.exception()
            if failure is None:
                return
            outside.metrics.agent_errors.labels(name, type(failure).__name__).inc()
            known = isinstance(failure, AgentError)
            log.error("%s has failed: %s", name, failure, exc_info=None if known else failure)
            phase: Phase = "waiting" if isinstance(failure, Unavailable) else "failed"
            tell(phase, str(failure) if known else repr(failure))
            await either(self._pause(phase), self._stop.wait())

    async def _pause(self, phase: Phase) -> None:
        """Before the next attempt; an owner that is none any more makes none."""
        await self._premises.outside.sleep(REMEDY_SECONDS if phase == "failed" else AGAIN_SECONDS)
        await self._lease.regained()

    async def _report_forever(self) -> None:
        while True:
            await self._report()
            await self._premises.outside.sleep(REPORT_SECONDS)

    async def _report(self) -> None:
        """Tell how the agent is; without Kafka nobody hears of it, until the next time."""
        row = f"{self._options.agent}{STATE}"
        try:
            self._lease.require()
            await self._write(row, self._vitals.report().model_dump_json().encode())
        except Unavailable as error:
            log.info("%s cannot tell how it is: %s", self._options.agent, error)
