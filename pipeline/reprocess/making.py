"""Makes the new version in the shadow tables: chunk by chunk, each inserted under a token of its own.

A chunk that was killed half way is made and inserted again; the tokens collapse what is there already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from clickhouse_driver import Client

from pipeline.reprocess.analysis import REMADE, Analysis, Made
from pipeline.reprocess.ledger import Ledger, Run
from pipeline.reprocess.period import STILL_SAID, Period, ReprocessError
from pipeline.reprocess.shadow import BASE, DONE, PLAN, Shadow
from pipeline.reprocess.stored import Stored, entity
from pipeline.sink.cells import Row
from pipeline.sink.clickhouse import ROOM
from pipeline.sink.rows import columns
from schemas import Entity

CHUNK: Final = 2_000
CONTEXT: Final = 2
"""Chunks before a chunk that fill the memories of its analysis; chunk 0 lies before the period."""
_EXACT: Final = {"insert_deduplicate": 1, "async_insert": 0, "max_partitions_per_insert_block": 0, **ROOM}


class Progress(NamedTuple):
    """How far a run has come."""

    posts: int
    mentions: int
    failed: int
    of: int


class Making:
    """The shadow rows of one run."""

    def __init__(self, client: Client, shadow: Shadow, ledger: Ledger, chunk: int = CHUNK) -> None:
        self._client = client
        self._shadow = shadow
        self._ledger = ledger
        self._chunk = chunk

    def plan(self, name: str, period: Period, digest: str, now: datetime) -> Run:
        """Fix which posts the run is about, create the shadow tables, and note the run.

        Raises:
            ReprocessError: there is no such post, or the old rows of one of its months are still kept.
        """
        months, posts = self.extent(period)
        self._refuse_kept(months)
        self._shadow.create()
        self._client.execute(
            f"""INSERT INTO {PLAN}
            SELECT toUInt32(1 + intDiv(rowNumberInAllBlocks(), {self._chunk})), id, created_at
            FROM (SELECT id, created_at FROM posts WHERE {period.condition} ORDER BY created_at, id)""",
            period.parameters,
            settings={"max_threads": 1, "insert_deduplicate": 0, **ROOM},
        )
        earlier = replace(period, since=datetime(1900, 1, 1, tzinfo=period.since.tzinfo), until=period.since)
        self._client.execute(
            f"""INSERT INTO {PLAN} SELECT 0, id, created_at FROM posts WHERE {earlier.condition}
            ORDER BY created_at DESC, id DESC LIMIT {CONTEXT * self._chunk}""",
            earlier.parameters,
            settings={"insert_deduplicate": 0, **ROOM},
        )
        return self._ledger.reach(Run(name, period, digest, tuple(months), posts), "planned", now)

    def extent(self, period: Period) -> tuple[list[int], int]:
        """The months (``yyyymm``) and the number of the posts of a period.

        Raises:
            ReprocessError: there are none.
        """
        query = f"""SELECT toYYYYMM(created_at) AS month, count() FROM posts WHERE {period.condition}
                    GROUP BY 1 ORDER BY 1"""
        found = self._client.execute(query, period.parameters)
        if not found:
            raise ReprocessError(f"no posts of timeline {period.timeline!r} in that period")
        return [month for month, _ in found], sum(posts for _, posts in found)

    def make(self, run: Run, analysis: Analysis, told: Callable[[Progress], object], now: datetime) -> None:
        """Make every chunk that is not made yet; ``told`` hears of each."""
        self._check_scratch(run)
        for number in self._missing():
            made = analysis.make(self._before(number), self._rows(number), run.name, now)
            self._store(run, number, made)
            told(self.progress(run))

    def progress(self, run: Run) -> Progress:
        """What is made so far."""
        query = f"SELECT sum(posts), sum(mentions), sum(failed) FROM {DONE} FINAL"
        posts, mentions, failed = self._client.execute(query)[0]
        return Progress(posts, mentions, failed, run.posts)

    def _missing(self) -> list[int]:
        query = f"""SELECT DISTINCT chunk FROM {PLAN}
                    WHERE chunk > 0 AND chunk NOT IN (SELECT chunk FROM {DONE}) ORDER BY 1"""
        return [number for (number,) in self._client.execute(query)]

    def _rows(self, number: int) -> list[Stored]:
        """The posts of a chunk as they are stored, in the order of event time, without erased ones."""
        names = self._shadow.columns("posts")
        query = f"""
            SELECT {", ".join(names)} FROM posts
            WHERE (toStartOfHour(created_at), id) IN (
                SELECT toStartOfHour(created_at), id FROM {PLAN} WHERE chunk = %(chunk)s) AND {STILL_SAID}
            ORDER BY created_at, id"""
        return list(self._dicts(names, query, {"chunk": number}))

    def _before(self, number: int) -> list[tuple[Stored, list[Entity]]]:
        earlier = range(max(0, number - CONTEXT), number)
        rows = [row for each in earlier for row in self._rows(each)]
        names = ["post_id", "type", "normal", "text", "start", "end"]
        query = f"""
            SELECT {", ".join(names)} FROM entities
            WHERE post_id IN (SELECT id FROM {PLAN} WHERE chunk IN %(chunks)s)
                AND created_at >= (SELECT min(created_at) FROM {PLAN} WHERE chunk IN %(chunks)s)
                AND created_at <= (SELECT max(created_at) FROM {PLAN} WHERE chunk IN %(chunks)s)
            ORDER BY post_id, start"""
        found: dict[str, list[Entity]] = defaultdict(list)
        for row in self._dicts(names, query, {"chunks": list(earlier)}) if rows else ():
            found[row["post_id"]].append(entity(row))
        return [(row, found[row["id"]]) for row in rows]

    def _dicts(self, names: Sequence[str], query: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        plain = [name.strip("`") for name in names]
        for row in self._client.execute(query, values):
            yield dict(zip(plain, row, strict=True))

    def _store(self, run: Run, number: int, made: Made) -> None:
        for table, rows in (("posts", made.posts), ("entities", made.entities), ("mentions", made.mentions)):
            self._insert(f"next_{table}", rows, f"reprocess:{run.name}:{number}")
        counts = (number, len(made.posts), len(made.mentions), made.failed)
        query = f"INSERT INTO {DONE} (chunk, posts, mentions, failed) VALUES"
        self._client.execute(query, [counts], settings=ROOM)

    def _insert(self, table: str, rows: Sequence[Row], token: str) -> None:
        if rows:
            names, values = columns(rows)
            listed = ", ".join(f"`{name}`" for name in names)
            settings = {**_EXACT, "insert_deduplication_token": token}
            self._client.execute(
                f"INSERT INTO {table} ({listed}) VALUES", values, columnar=True, settings=settings
            )

    def _check_scratch(self, run: Run) -> None:
        if self._client.execute(f"EXISTS TABLE {PLAN}") != [(1,)]:
            raise ReprocessError(
                f"the tables of {run.name} are gone: run `molva reprocess --abandon`, then begin again"
            )
        made = {table: self._shadow.columns(f"next_{table}") for table in BASE}
        lacking = {f"`{name}`" for name in REMADE}.difference(made["posts"])
        if lacking or any(names != self._shadow.columns(table) for table, names in made.items()):
            raise ReprocessError(
                f"version {run.name} was begun before an upgrade: run `molva reprocess --abandon`, then "
                "`molva migrate`, then begin again"
            )

    def _refuse_kept(self, months: Sequence[int]) -> None:
        for run in self._ledger.runs():
            if run.step in ("kept", "replaced") and (both := set(months) & set(run.months)):
                listed = ", ".join(map(str, sorted(both)))
                raise ReprocessError(
                    f"the rows from before version {run.name} are still kept for {listed}: look at the new "
                    f"ones, then run `molva reprocess --drop-old {run.name}`"
                )
