"""How far each run has come (table ``analysis_versions``), so that a killed run goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from clickhouse_driver import Client

from pipeline.reprocess.period import Period, ReprocessError
from pipeline.sink.clickhouse import ROOM
from pipeline.sink.reprocessing import UNFINISHED

Step = Literal["planned", "kept", "replaced", "dropped", "abandoned"]
LEDGER_SINCE: Final = "0011_versions"
"""The migration before which there are no runs."""
_COLUMNS: Final = "name, step, timeline, since, until, objects, digest, months, posts"


@dataclass(frozen=True)
class Run:
    """One run: what it is about, the last step that it reached, the partitions (``yyyymm``) it replaces."""

    name: str
    period: Period
    digest: str
    months: tuple[int, ...]
    posts: int
    step: Step = "planned"


class Ledger:
    """The runs of one database."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def runs(self) -> list[Run]:
        """Every run as of its last step, the earliest first."""
        query = f"SELECT {_COLUMNS} FROM analysis_versions ORDER BY at, step"
        latest: dict[str, Run] = {}
        for name, step, timeline, since, until, objects, digest, months, posts in self._client.execute(query):
            period = Period(timeline, since, until, tuple(objects))
            latest[name] = Run(name, period, digest, tuple(months), posts, step)
        return list(latest.values())

    def unfinished(self) -> Run | None:
        """The run that was begun and has not replaced the rows yet; there is one at most."""
        return next((run for run in self.runs() if run.step in UNFINISHED), None)

    def named(self, name: str) -> Run:
        """The run of that name.

        Raises:
            ReprocessError: there is none.
        """
        for run in self.runs():
            if run.name == name:
                return run
        known = ", ".join(run.name for run in self.runs()) or "none yet"
        raise ReprocessError(f"there is no version {name!r}; known: {known}")

    def reach(self, run: Run, step: Step, at: datetime) -> Run:
        """Note a step; the run as of it."""
        period = run.period
        row: tuple[Any, ...] = (run.name, step, at, period.timeline, period.since, period.until)
        row += (list(period.objects), run.digest, list(run.months), run.posts)
        columns = "name, step, at, timeline, since, until, objects, digest, months, posts"
        self._client.execute(f"INSERT INTO analysis_versions ({columns}) VALUES", [row], settings=ROOM)
        return replace(run, step=step)
