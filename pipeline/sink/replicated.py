"""The schema of a ClickHouse cluster, from the same migrations: replicated tables, one view of all shards.

Every table is replicated within its shard; ``all_<table>`` reads it on all shards, and so do the plain views.
Materialised views stay local: a shard counts what it stores, and ``all_<rollup>`` adds the shards up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

ALL: Final = "all_"
_CREATE = re.compile(r"^CREATE (?:OR REPLACE )?(TABLE|VIEW|MATERIALIZED VIEW)(?: IF NOT EXISTS)? (\w+)")
_ALTER = re.compile(r"^ALTER TABLE (\w+) ((?:ADD|MODIFY|DROP|RENAME) COLUMN)?")
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)\b")
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window\b")
_READ = re.compile(r"\b(FROM|JOIN) (\w+)\b")
LOCAL: Final = frozenset({"sink_intents", "schema_migrations"})
"""Tables that nobody reads across shards."""


def tables_of(statements: Iterable[str]) -> frozenset[str]:
    """The tables that have rows of their own, among all that the statements create."""
    created = (_CREATE.match(statement) for statement in statements)
    return frozenset(found[2] for found in created if found and found[1] == "TABLE") - LOCAL


def replicated(statement: str, cluster: str, tables: Collection[str]) -> list[str]:
    """What a statement of a migration is on a cluster: one statement or two, each for all of its hosts.

    Args:
        tables: those that have an ``all_<table>`` (`tables_of`).

    Raises:
        ValueError: a statement of a kind that migrations do not have.
    """
    if found := _CREATE.match(statement):
        kind, name = found.groups()
        rest = statement[found.end() :]
        made = f"{found[0]} ON CLUSTER {cluster}{_WINDOW.sub('replicated_deduplication_window', rest)}"
        if kind == "VIEW":
            return [_READ.sub(lambda read: f"{read[1]} {ALL * (read[2] in tables)}{read[2]}", made)]
        if kind == "MATERIALIZED VIEW":
            return [made]
        made = _ENGINE.sub(r"ENGINE = Replicated\1", made)
        return [made, _across(name, cluster)] if name in tables else [made]
    if found := _ALTER.match(statement):
        rest = statement[len("ALTER TABLE ") + len(found[1]) :]
        made = f"ALTER TABLE {found[1]} ON CLUSTER {cluster}{rest}"
        columns = found[2] is not None and found[1] in tables
        return [made, f"ALTER TABLE {ALL}{found[1]} ON CLUSTER {cluster}{rest}"] if columns else [made]
    raise ValueError(f"no such statement in a migration: {statement[:60]}")


def _across(name: str, cluster: str) -> str:
    """A table over all shards; storage writes to its own shard, so it needs no sharding key."""
    return (
        f"CREATE TABLE IF NOT EXISTS {ALL}{name} ON CLUSTER {cluster} AS {name} "
        f"ENGINE = Distributed('{cluster}', currentDatabase(), '{name}')"
    )
