"""The versions of the ClickHouse schema: applies the SQL files of ``pipeline/sink/migrations`` in order.

ClickHouse has no transactions for DDL and no locks, so every statement is idempotent (``IF NOT EXISTS``):
a migration that died half way, or that two processes apply at once, ends in the same schema.

A file's first line says its kind. ``expand`` only adds, ``migrate`` moves data: both go in while workers of
the last release run. ``contract`` takes away what only they used: it waits until they are gone for a while.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from pipeline.sink.replicated import replicated, tables_of
from pipeline.sink.reprocessing import refuse_reprocessing
from pipeline.sink.workers import SEEN_MINUTES, older_than

Kind = Literal["expand", "migrate", "contract"]
LAST_UNLABELLED: Final = 9
"""Older files state no kind, and all expand: the checksums in existing databases keep them as they are."""

_KIND = re.compile(rf"^-- ({'|'.join(get_args(Kind))}): ")
_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")
_REGISTRY = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String COMMENT 'SHA-256 of the file',
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (version, name, checksum)
"""


class MigrationError(Exception):
    """The database and the code do not fit together; nothing was changed."""


class ChangedMigration(MigrationError):
    """A file was edited after it had been applied: write a new migration instead."""


class NewerDatabase(MigrationError):
    """The database holds a version that this code does not know: update Molva."""


class OldWorkers(MigrationError):
    """A contract step would take away what a running worker of an older release needs."""


@dataclass(frozen=True)
class Migration:
    """One SQL file: ``0001_posts.sql`` is version 1, name ``0001_posts``."""

    version: int
    name: str
    sql: str

    @property
    def kind(self) -> Kind:
        """What its first line says.

        Raises:
            ValueError: it says nothing; a test keeps such files out.
        """
        if found := _KIND.match(self.sql):
            kind: Kind = found[1]  # type: ignore[assignment]
            return kind
        if self.version <= LAST_UNLABELLED:
            return "expand"
        raise ValueError(f"{self.name}.sql does not begin with its kind, as `-- expand: what for`")

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements of the file; each ends with a semicolon at the end of a line."""
        code = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return [text.strip() for text in _STATEMENT_END.split(code) if text.strip()]


def known() -> tuple[Migration, ...]:
    """The migrations that ship with the code, oldest first."""
    found = []
    for entry in files("pipeline.sink").joinpath("migrations").iterdir():
        if match := _FILE_NAME.match(entry.name):
            name = entry.name.removesuffix(".sql")
            found.append(Migration(int(match[1]), name, entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


def missing(client: Any, database: str, migrations: Iterable[Migration] | None = None) -> list[Migration]:
    """The migrations that ``database`` lacks, oldest first; all of them where it does not exist.

    Raises:
        MigrationError: an applied file has changed, or the database is newer than the code.
    """
    ordered = known() if migrations is None else tuple(migrations)
    return _missing(ordered, _applied(client, database))


def pending(client: Any, database: str, migrations: Iterable[Migration] | None = None) -> list[str]:
    """Names of the migrations without which this release cannot work; contract steps may wait.

    Raises:
        MigrationError: as `missing`.
    """
    return [each.name for each in missing(client, database, migrations) if each.kind != "contract"]


def migrate(
    client: Any,
    database: str,
    migrations: Iterable[Migration] | None = None,
    *,
    contract: bool = False,
    cluster: str = "",
) -> list[str]:
    """Create ``database`` where it is missing and bring its schema up to date; safe when two run at once.

    Args:
        client: a clickhouse-driver client connected to any database; it is left in ``database``.
        contract: apply contract steps too, for which no older worker may run any more.
        cluster: where tables are replicated, the ClickHouse cluster; empty: one server.

    Returns:
        Names of the migrations that this call applied.

    Raises:
        MigrationError: an applied file has changed, the database is newer than the code, or (`OldWorkers`) a
            worker that does not know a contract step has been seen lately; nothing after it was applied.
        Reprocessing: a run of `molva reprocess` is unfinished: its tables would no longer fit these.
    """
    ordered = known() if migrations is None else tuple(migrations)
    _create(client, database, ordered, cluster)
    lacking = [
        each for each in _missing(ordered, _applied(client, database)) if contract or each.kind != "contract"
    ]
    if lacking:
        refuse_reprocessing(client, database, "`molva migrate`")
    for migration in lacking:
        if migration.kind == "contract":
            _refuse_old_workers(client, migration)
        for statement in on_cluster(migration.statements, ordered, cluster):
            client.execute(statement)
        row = (migration.version, migration.name, migration.checksum)
        client.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES", [row])
    return [migration.name for migration in lacking]


def on_cluster(statements: Iterable[str], migrations: Iterable[Migration], cluster: str) -> list[str]:
    """The statements as a cluster needs them; unchanged where ``cluster`` is empty."""
    if not cluster:
        return list(statements)
    tables = tables_of(statement for each in migrations for statement in each.statements)
    return [made for statement in statements for made in replicated(statement, cluster, tables)]


def _create(client: Any, database: str, migrations: tuple[Migration, ...], cluster: str) -> None:
    """The database and the table of what is applied, where they are missing; the client is left in it."""
    everywhere = f" ON CLUSTER {cluster}" if cluster else ""
    client.execute(f"CREATE DATABASE IF NOT EXISTS {database}{everywhere}")
    client.execute(f"USE {database}")
    for statement in on_cluster([_REGISTRY.strip()], migrations, cluster):
        client.execute(statement)


def _refuse_old_workers(client: Any, migration: Migration) -> None:
    if old := older_than(client, migration.version):
        seen = "; ".join(f"{worker.stage} {worker.worker}, Molva {worker.version}" for worker in old)
        raise OldWorkers(
            f"{migration.name} takes away what an older worker needs, and such were seen in the last "
            f"{SEEN_MINUTES} minutes: {seen}. Upgrade or stop them, then run `molva migrate --contract` again"
        )


def _applied(client: Any, database: str) -> dict[int, tuple[str, str]]:
    """Version -> (name, checksum) of what the database holds."""
    where = {"database": database}
    exists = "SELECT count() FROM system.tables WHERE database = %(database)s AND name = 'schema_migrations'"
    if client.execute(exists, where) == [(0,)]:
        return {}
    rows = client.execute(
        f"SELECT version, name, checksum FROM {database}.schema_migrations ORDER BY applied_at"
    )
    return {version: (name, checksum) for version, name, checksum in rows}


def _missing(migrations: tuple[Migration, ...], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    by_version = {migration.version: migration for migration in migrations}
    for version, (name, checksum) in sorted(applied.items()):
        if version not in by_version:
            raise NewerDatabase(f"the database holds migration {name}, which this version does not know")
        if by_version[version].checksum != checksum:
            raise ChangedMigration(f"{by_version[version].name}.sql changed after it had been applied")
    return [migration for migration in migrations if migration.version not in applied]
