"""The versions of the ClickHouse schema: applies the SQL files of ``pipeline/sink/migrations`` in order.

ClickHouse has no transactions for DDL and no locks, so every statement is idempotent (``IF NOT EXISTS``):
a migration that died half way, or that two processes apply at once, ends in the same schema.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

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


@dataclass(frozen=True)
class Migration:
    """One SQL file: ``0001_posts.sql`` is version 1, name ``0001_posts``."""

    version: int
    name: str
    sql: str

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


def pending(client: Any, database: str, migrations: Iterable[Migration] | None = None) -> list[str]:
    """Names of the migrations that ``database`` lacks; all of them where it does not exist.

    Raises:
        MigrationError: an applied file has changed, or the database is newer than the code.
    """
    ordered = known() if migrations is None else tuple(migrations)
    return [migration.name for migration in _missing(ordered, _applied(client, database))]


def migrate(client: Any, database: str, migrations: Iterable[Migration] | None = None) -> list[str]:
    """Create ``database`` where it is missing and bring its schema up to date; safe when two run at once.

    Args:
        client: a clickhouse-driver client connected to any database; it is left in ``database``.

    Returns:
        Names of the migrations that this call applied.

    Raises:
        MigrationError: an applied file has changed, or the database is newer than the code.
    """
    ordered = known() if migrations is None else tuple(migrations)
    client.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.execute(f"USE {database}")
    client.execute(_REGISTRY)
    missing = _missing(ordered, _applied(client, database))
    for migration in missing:
        for statement in migration.statements:
            client.execute(statement)
        row = (migration.version, migration.name, migration.checksum)
        client.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES", [row])
    return [migration.name for migration in missing]


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
