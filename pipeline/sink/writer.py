"""Rows -> ClickHouse, exactly once: which rows are new, and inserts under the batch's token (ADR 0002).

Synchronous; storage calls it in threads. Every method may raise `Unavailable`, and may then be called again
with the same arguments as often as it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.sink.batch import Batch
from pipeline.sink.cells import Row
from pipeline.sink.clickhouse import Clients, RowsRejected, Unavailable
from pipeline.sink.rows import Entry, columns
from pipeline.sink.tables import ENTITIES, Table

FREE_BYTES = 256 * 1024 * 1024
"""An insert is refused where the disk has less: on a disk that runs full ClickHouse confirms parts that it
could not write, and finds them empty at its next start (docs/chaos.md)."""

_EXACT = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "min_free_disk_bytes_to_perform_insert": FREE_BYTES,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # An old archive may touch any number of months, and must not fail for it.
    "max_partitions_per_insert_block": 0,
    "throw_on_max_partitions_per_insert_block": 0,
    # A view must see a batch as one block, and give one block: tokens of its target number the blocks.
    "max_insert_threads": 1,
    "parallel_view_processing": 0,
    "materialized_views_ignore_errors": 0,
    "max_block_size": 1_048_576,
    "group_by_two_level_threshold": 0,
    "group_by_two_level_threshold_bytes": 0,
}


class Selection(NamedTuple):
    """The entries of a batch that belong into ClickHouse, and how many were there already."""

    entries: tuple[Entry, ...]
    skipped: int


class Rejected(NamedTuple):
    """A record whose row ClickHouse cannot hold."""

    offset: int
    detail: str


class Writer:
    """The exactly-once writer of one database."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def select(self, entries: Sequence[Entry], batch: Batch, *, resumed: bool) -> Selection:
        """Leave out what ClickHouse has already, and repetitions within the batch (the first offset wins).

        Args:
            resumed: the batch is an intent that an earlier process or owner left behind: the rows that it has
                stored stay in the selection, so that the retry is the same insert, which the token collapses
                and which completes the tables and views that the first attempt did not reach.
        """
        if not entries:
            return Selection((), 0)
        table = entries[0].table
        stored = self._stored(table, [entry.key for entry in entries])
        chosen: dict[str, Entry] = {}
        for entry in entries:
            elsewhere = stored.get(entry.key, frozenset()) - ({batch.digest} if resumed else set())
            if not elsewhere:
                chosen.setdefault(entry.key, entry)
        return Selection(tuple(chosen.values()), len(entries) - len(chosen))

    def insert(self, entries: Sequence[Entry], batch: Batch) -> None:
        """Insert the rows of a selection under the token of ``batch``.

        Raises:
            RowsRejected: a row does not fit its columns; nothing of its table was stored (see `rejected`).
        """
        if not entries:
            return
        self._insert(entries[0].table.name, [entry.row for entry in entries], batch.token)
        found = [row for entry in entries for row in entry.entities]
        if found:
            self._insert(ENTITIES, found, batch.token)

    def rejected(self, entries: Sequence[Entry]) -> list[Rejected]:
        """The entries whose rows do not fit their columns, found by halving.

        Raises:
            Unavailable: none is at fault, so the error of the insert was not about the rows.
        """
        found = self._bisect(entries)
        if not found:
            raise Unavailable("ClickHouse rejects the batch, but each row of it fits its columns")
        return found

    def _stored(self, table: Table, keys: list[str]) -> dict[str, frozenset[int]]:
        """Key -> hashes of the batches that stored it."""
        query = f"""
            SELECT {table.key} AS key, groupUniqArray(_batch) FROM {table.index}
            WHERE key IN asked GROUP BY key"""
        asked = {"name": "asked", "structure": [("key", "String")], "data": [(key,) for key in keys]}
        with self._clients.client() as client:
            rows = client.execute(query, external_tables=[asked])
        return {key: frozenset(batches) for key, batches in rows}

    def _insert(self, table: str, rows: Sequence[Row], token: str) -> None:
        names, values = columns(rows)
        listed = ", ".join(f"`{name}`" for name in names)
        with self._clients.client() as client:
            client.execute(
                f"INSERT INTO {table} ({listed}) VALUES",
                values,
                columnar=True,
                settings={**_EXACT, "insert_deduplication_token": token},
            )

    def _bisect(self, entries: Sequence[Entry]) -> list[Rejected]:
        try:
            self._probe(entries[0].table.name, [entry.row for entry in entries])
            found = [row for entry in entries for row in entry.entities]
            if found:
                self._probe(ENTITIES, found)
        except RowsRejected as error:
            if len(entries) == 1:
                return [Rejected(entries[0].offset, str(error))]
            middle = len(entries) // 2
            return self._bisect(entries[:middle]) + self._bisect(entries[middle:])
        return []

    def _probe(self, table: str, rows: Sequence[Row]) -> None:
        """Send rows to a table function that has the columns of ``table`` and keeps nothing."""
        names, values = columns(rows)
        with self._clients.client() as client:
            types = {name: kind for name, kind, *_ in client.execute(f"DESCRIBE TABLE {table}")}
            if unknown := set(names) - set(types):
                raise Unavailable(f"{table} has no column {', '.join(sorted(unknown))}: migrate the database")
            structure = ", ".join(f"`{name}` {types[name]}" for name in names).replace("'", "\\'")
            client.execute(f"INSERT INTO FUNCTION null('{structure}') VALUES", values, columnar=True)
