"""A run of ``molva reprocess`` from its plan to the exchange; each part may be killed and called again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clickhouse_driver import Client

from pipeline.reprocess.analysis import Analysis
from pipeline.reprocess.ledger import Ledger, Run
from pipeline.reprocess.making import CHUNK, Making, Progress
from pipeline.reprocess.period import Period, ReprocessError
from pipeline.reprocess.replacement import Replacement, release
from pipeline.reprocess.shadow import BASE, Shadow
from pipeline.reprocess.storage import StoragePosition
from pipeline.settings import Settings
from pipeline.sink.reprocessing import UNFINISHED

Say = Callable[[str], object]


class Reprocess:
    """Runs on one database; ``client`` is connected to it as a user who may change tables."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        clock: Callable[[], datetime],
        say: Say,
        *,
        chunk: int = CHUNK,
        storage: StoragePosition | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._say = say
        self._shadow = Shadow(client, settings.clickhouse_database)
        self.ledger = Ledger(client)
        self._making = Making(client, self._shadow, self.ledger, chunk)
        self._storage = storage or StoragePosition(settings, client)

    def extent(self, period: Period) -> dict[str, object]:
        """What a run would do, without doing it: months, posts, mentions, versions there, bytes to copy.

        Raises:
            ReprocessError: it could not be done.
        """
        self._shadow.refuse_replicated()
        months, posts = self._making.extent(period)
        self._replacement(Run("", period, "", tuple(months), posts)).verify_rollups()
        query = f"SELECT version, count() FROM posts WHERE {period.condition} GROUP BY 1 ORDER BY 1"
        versions = dict(self._client.execute(query, period.parameters))
        about = f"SELECT id FROM posts WHERE {period.condition}"
        mentions = self._client.execute(
            f"SELECT count() FROM mentions WHERE toYYYYMM(created_at) IN %(months)s AND post_id IN ({about})",
            {**period.parameters, "months": months},
        )[0][0]
        sizes = [self._shadow.parts(table) for table in BASE]
        copied = sum(size.get(month, 0) for size in sizes for month in months)
        return {"months": months, "posts": posts, "mentions": mentions, "versions": versions, "bytes": copied}

    def begin(self, name: str, period: Period, digest: str) -> Run:
        """The run of that name as far as it has come, or a new one.

        Raises:
            ReprocessError: another run is unfinished, or that name was something else.
        """
        known = {run.name: run for run in self.ledger.runs() if run.step != "abandoned"}
        if run := known.get(name):
            if (run.period, run.digest) != (period, digest):
                raise ReprocessError(
                    f"version {name} exists and was another period, watchlist or model: choose another name "
                    "with --version"
                )
            return run
        if other := self.ledger.unfinished():
            raise ReprocessError(
                f"version {other.name} is unfinished: run `molva reprocess --resume` or `--abandon` first"
            )
        self._storage.check_permission()
        self.extent(period)
        self._shadow.refuse_mutations()
        release(self._client)  # a run that was killed at its end may have left its hold
        return self._making.plan(name, period, digest, self._clock())

    def make(self, run: Run, analysis: Analysis, told: Callable[[Progress], object]) -> None:
        """Analyse the posts of the run that are not analysed yet."""
        release(self._client)
        self._making.make(run, analysis, told, self._clock())

    def exchange(self, run: Run) -> Run:
        """Let readers see the new version; from here on a killed run is finished by calling this again."""
        replacement = self._replacement(run)
        if run.step == "planned":
            run = self._prepare(run, replacement)
        if run.step == "kept":
            replacement.replace()
            run = self.ledger.reach(run, "replaced", self._clock())
        self.tidy()
        return run

    def _prepare(self, run: Run, replacement: Replacement) -> Run:
        release(self._client)
        self._say("copying what stays as it is in these months")
        replacement.copy_rest()
        self._storage.await_mentions()
        self._say("holding storage off these months")
        replacement.hold()
        try:
            self._storage.await_inserts(self._settings.clickhouse_database)
            self._storage.await_commits(run)
            replacement.copy_rest()
            replacement.build_rollups()
            replacement.verify()
            replacement.remember_ids()
            replacement.keep_old()
            return self.ledger.reach(run, "kept", self._clock())
        except BaseException:
            release(self._client)
            raise

    def tidy(self) -> None:
        """Let storage in again and remove the shadow tables; refused while a run is between old and new.

        Raises:
            ReprocessError: a run is unfinished.
        """
        if run := self.ledger.unfinished():
            raise ReprocessError(f"version {run.name} is unfinished: run `molva reprocess --resume`")
        release(self._client)
        self._shadow.drop_next()

    def abandon(self) -> Run:
        """Give up the unfinished run before it has replaced anything.

        Raises:
            ReprocessError: there is none, or it is past that.
        """
        run = self.ledger.unfinished()
        if run is None:
            raise ReprocessError("no run is unfinished")
        if run.step != "planned":
            raise ReprocessError(
                f"version {run.name} is replacing rows already: run `molva reprocess --resume`"
            )
        release(self._client)
        self._replacement(run).drop_old()
        run = self.ledger.reach(run, "abandoned", self._clock())
        self.tidy()
        return run

    def drop_old(self, name: str) -> Run:
        """Remove the rows from before a run, which cannot be undone.

        Raises:
            ReprocessError: there is no such run, or it is unfinished.
        """
        run = self.ledger.named(name)
        if run.step in UNFINISHED:
            raise ReprocessError(f"version {name} is unfinished: run `molva reprocess --resume`")
        if run.step == "replaced":
            self._replacement(run).drop_old()
            run = self.ledger.reach(run, "dropped", self._clock())
        return run

    def _replacement(self, run: Run) -> Replacement:
        return Replacement(self._client, self._shadow, run)
