"""Rows -> ClickHouse, exactly once: which rows are new, and inserts under the batch's token (ADR 0002).

Synchronous; storage calls it in threads. Every method may raise `Unavailable`, and may then be called again
with the same arguments as often as it takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pipeline.sink.batch import Batch
from pipeline.sink.cells import Row
from pipeline.sink.clickhouse import ROOM, Clients, RowsRejected, Unavailable
from pipeline.sink.rows import Entry, columns
from pipeline.sink.tables import ENTITIES, Table
from pipeline.sink.versions import Version, place, to_ask

_EXACT = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    **ROOM,
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

        A version of a post after an edit is no repetition: it goes to the revisions (`versions.place`).

        Args:
            resumed: the batch is an intent that an earlier process or owner left behind, or one of which
                entries were set aside: the rows that it has stored stay in the selection, so that the retry
                is the same insert, which the token collapses and which completes the tables and views that
                the first attempt did not reach.
        """
        if not entries:
            return Selection((), 0)
        table = entries[0].table
        stored = self._stored(table, [entry.key for entry in entries])
        versions = self._versions(table, entries, stored) if table.revisions else {}
        chosen = place(entries, stored, versions, {batch.digest} if resumed else ())
        return Selection(tuple(chosen), len(entries) - len(chosen))

    def insert(self, entries: Sequence[Entry], batch: Batch) -> None:
        """Insert the rows of a selection under the token of ``batch``.

        Raises:
            RowsRejected: a row does not fit its columns; nothing of its table was stored (see `rejected`).
        """
        for table, rows in _by_table(entries):
            self._insert(table, rows, batch.token)

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
        return {key: frozenset(batches) for key, batches in self._ask(query, keys)}

    def _versions(
        self, table: Table, entries: Sequence[Entry], stored: Mapping[str, object]
    ) -> dict[str, list[Version]]:
        """Key -> its rows in the revisions; with the row of the table where there is an edit to compare."""
        found: dict[str, list[Version]] = defaultdict(list)
        if not (asked := to_ask(entries, stored)):
            return found
        names = table.content or ("revision",)
        told = f"{table.key} AS key, _batch, " + ", ".join(f"`{name}`" for name in names)
        rows = self._ask(f"SELECT counted, {told} FROM {table.revisions} WHERE key IN asked", asked)
        edits = {(_hour(entry), entry.key) for entry in entries if entry.revision and entry.key in stored}
        if table.content and edits:
            query = f"SELECT true, {told} FROM {table.name} WHERE (toStartOfHour(created_at), key) IN asked"
            structure = [("hour", "DateTime('UTC')"), ("key", "String")]
            rows = [*rows, *self._asked(query, structure, sorted(edits))]
        for counted, key, batch, *cells in rows:
            row = dict(zip(names, cells, strict=True))
            found[key].append(Version(row["revision"], counted, (batch,), row if table.content else None))
        return found

    def _ask(self, query: str, keys: list[str]) -> Sequence[Any]:
        return self._asked(query, [("key", "String")], [(key,) for key in keys])

    def _asked(self, query: str, structure: list[tuple[str, str]], data: list[Any]) -> Sequence[Any]:
        asked = {"name": "asked", "structure": structure, "data": data}
        with self._clients.client() as client:
            rows: Sequence[Any] = client.execute(query, external_tables=[asked])
        return rows

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
            for table, rows in _by_table(entries):
                self._probe(table, rows)
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


def _hour(entry: Entry) -> datetime:
    """Where the table has the post: what its primary key begins with."""
    at: datetime = entry.row["created_at"]
    return at.replace(minute=0, second=0, microsecond=0)


def _by_table(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of the entries of one table, and of the tables beside it that get any.

    The table comes first: what it rejects is placed anew before anything of the batch is stored.
    """
    if rows := [entry.row for entry in entries if entry.counted]:
        yield entries[0].table.name, rows
    if later := [entry for entry in entries if entry.revision or not entry.counted]:
        yield later[0].table.revisions, [{**entry.row, "counted": entry.counted} for entry in later]
    if rows := [row for entry in entries for row in entry.entities]:
        yield ENTITIES, rows
