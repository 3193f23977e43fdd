"""Tables beside the tables: ``next_*`` where the new version is made, ``old_*`` where the old one is kept.

They have the structure of the tables themselves, so partitions go from one to the other without copying.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_driver import Client

from pipeline.reprocess.period import ReprocessError
from pipeline.sink.clickhouse import ROOM

BASE: Final = ("posts", "entities", "mentions")
PLAN: Final = "reprocess_plan"
DONE: Final = "reprocess_done"
_SCRATCH: Final = {
    PLAN: "(chunk UInt32, id String, created_at DateTime64(3, 'UTC')) "
    "ENGINE = MergeTree ORDER BY (chunk, created_at, id)",
    DONE: "(chunk UInt32, posts UInt32, mentions UInt32, failed UInt32) "
    "ENGINE = ReplacingMergeTree ORDER BY chunk",
}
_TARGET = re.compile(r"^CREATE MATERIALIZED VIEW \S+ TO \w+\.(\w+)")


@dataclass(frozen=True)
class Rollup:
    """A table that a materialised view fills from a base table; ``select`` reads the base's shadow."""

    name: str
    base: str
    select: str


class Shadow:
    """The shadow tables of one database; the client is connected to it."""

    def __init__(self, client: Client, database: str) -> None:
        self._client = client
        self._database = database
        self.rollups = self._find_rollups()
        self.tables = (*BASE, *(rollup.name for rollup in self.rollups))

    def columns(self, table: str) -> list[str]:
        """The columns of a table that hold data of their own."""
        query = """SELECT name FROM system.columns WHERE database = %(d)s AND table = %(t)s
                   AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY position"""
        return [f"`{name}`" for (name,) in self._client.execute(query, {"d": self._database, "t": table})]

    def create(self) -> None:
        """Fresh, empty tables for a run; those of an abandoned one go."""
        self.drop_next()
        for name in self.tables:
            self._client.execute(f"CREATE TABLE next_{name} AS {name}")
            self._client.execute(f"CREATE TABLE IF NOT EXISTS old_{name} AS {name}")
            self._align(name)
        for name, structure in _SCRATCH.items():
            self._client.execute(f"CREATE TABLE {name} {structure}")

    def _align(self, name: str) -> None:
        """Give ``old_*`` what migrations have given its table since, or no partition goes there.

        The rows are copied first: ``old_*`` has all of them at any time.
        """
        old, recast = f"old_{name}", f"recast_{name}"
        if self._structure(old) == self._structure(name):
            return
        self._client.execute(f"CREATE TABLE {recast} AS {name}")
        there = set(self.columns(old))
        kept = ", ".join(each for each in self.columns(name) if each in there)
        self._client.execute(
            f"INSERT INTO {recast} ({kept}) SELECT {kept} FROM {old}",
            settings={"insert_deduplicate": 0, "max_partitions_per_insert_block": 0, **ROOM},
        )
        self._client.execute(f"EXCHANGE TABLES {recast} AND {old}")
        self._client.execute(f"DROP TABLE {recast} SYNC")

    def _structure(self, table: str) -> tuple[Any, ...]:
        """What must be equal for a partition to go from one table to another."""
        where = {"d": self._database, "t": table}
        columns = """SELECT name, type FROM system.columns WHERE database = %(d)s AND table = %(t)s
                     AND default_kind != 'ALIAS' ORDER BY name"""
        indexes = """SELECT name, type_full, expr, granularity FROM system.data_skipping_indices
                     WHERE database = %(d)s AND table = %(t)s ORDER BY name"""
        return tuple(tuple(self._client.execute(query, where)) for query in (columns, indexes))

    def drop_next(self) -> None:
        """Remove what a run has made; what readers see and what was kept stay."""
        beside = (f"{kind}_{table}" for kind in ("next", "recast") for table in self.tables)
        for name in (*beside, *_SCRATCH):
            self._client.execute(f"DROP TABLE IF EXISTS {name} SYNC")

    def parts(self, table: str) -> dict[int, int]:
        """Month (``yyyymm``) -> bytes on disk of a table's partitions; empty where there is no such table."""
        query = """SELECT toUInt32(partition), sum(bytes_on_disk) FROM system.parts
                   WHERE database = %(d)s AND table = %(t)s AND active GROUP BY 1"""
        return dict(self._client.execute(query, {"d": self._database, "t": table}))

    def refuse_replicated(self) -> None:
        """Raises:
        ReprocessError: the tables are replicated, whose partitions and constraints go another way.
        """
        query = "SELECT engine FROM system.tables WHERE database = %(d)s AND name = 'posts'"
        if any(
            engine.startswith("Replicated")
            for (engine,) in self._client.execute(query, {"d": self._database})
        ):
            raise ReprocessError(
                "molva reprocess works on tables of one server, these are replicated (docs/upgrading.md)"
            )

    def refuse_mutations(self) -> None:
        """Raises:
        ReprocessError: rows are being changed: read before, they would bring back what is erased.
        """
        query = """SELECT DISTINCT table FROM system.mutations
                   WHERE database = %(d)s AND table IN %(t)s AND NOT is_done ORDER BY 1"""
        under_way = self._client.execute(query, {"d": self._database, "t": BASE})
        if tables := ", ".join(table for (table,) in under_way):
            raise ReprocessError(
                f"rows of {tables} are being changed (`molva erase`; system.mutations): begin after that"
            )

    def _find_rollups(self) -> tuple[Rollup, ...]:
        query = """
            SELECT v.create_table_query, v.as_select FROM system.tables AS v
            WHERE v.database = %(d)s AND v.engine = 'MaterializedView' ORDER BY v.name"""
        partitioned = {
            name
            for (name,) in self._client.execute(
                "SELECT name FROM system.tables WHERE database = %(d)s AND partition_key LIKE 'toYYYYMM(%%'",
                {"d": self._database},
            )
        }
        found = []
        for statement, select in self._client.execute(query, {"d": self._database}):
            target = _TARGET.match(statement)
            if target is None or target[1] not in partitioned:
                continue  # the indexes of ids, which know every version
            found.append(self._rollup(target[1], select))
        return tuple(found)

    def _rollup(self, name: str, select: str) -> Rollup:
        for base in BASE:
            read = re.compile(rf"\bFROM {re.escape(self._database)}\.{base}\b( AS \w+)?")
            if found := read.search(select):
                alias = found[1] or f" AS {base}"
                return Rollup(name, base, read.sub(f"FROM next_{base}{alias}", select))
        raise ReprocessError(f"the rollup {name} is filled from a table that molva reprocess does not know")
