"""ClickHouse: can it be reached, is the schema ours, may this user read and write, clocks, disks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from clickhouse_driver import errors

from pipeline.checks import MAX_SKEW_S, Part
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import ChangedMigration, MigrationError, NewerDatabase, pending
from pipeline.sink.tables import BY_TOPIC, ENTITIES

REACH = "start `molva up`, or set MOLVA_CLICKHOUSE_HOST, _PORT, _USER and _PASSWORD"
LOW_DISK = 0.1
ACCESS_DENIED, AUTHENTICATION_FAILED, UNKNOWN_DATABASE = 497, 516, 81
PORTS = {9000: "plain", 9440: "TLS"}


def check_clickhouse(settings: Settings, clock: Callable[[], datetime]) -> list[Part]:
    """Every finding about the server; a fault in one question does not keep the others back."""
    client = connect(settings, database="default")
    where = f"{settings.clickhouse_host}:{settings.clickhouse_port}"
    try:
        (version, moment), *_ = client.execute("SELECT version(), toUnixTimestamp64Milli(now64(3))")
        now = clock()
        return [
            Part("clickhouse", True, f"{version} on {where}"),
            _clock(now.timestamp() - moment / 1000),
            *_schema(client, settings),
            *_disks(client),
            _http(settings),
        ]
    except (errors.Error, OSError, EOFError) as error:
        return [_unreachable(where, settings, error)]
    finally:
        client.disconnect()


def _unreachable(where: str, settings: Settings, error: Exception) -> Part:
    first = str(error).replace("DB::Exception: ", "").partition("Stack trace")[0]
    detail = f"{where}: {' '.join(first.split())[:300] or repr(error)}"
    if isinstance(error, errors.ServerException) and error.code == AUTHENTICATION_FAILED:
        return Part("clickhouse", False, detail, "set MOLVA_CLICKHOUSE_USER and MOLVA_CLICKHOUSE_PASSWORD")
    if isinstance(error, errors.UnexpectedPacketFromServerError):
        cure = "it is no native port: set MOLVA_CLICKHOUSE_PORT (9000, with TLS 9440), not the HTTP port"
        return Part("clickhouse", False, detail, cure)
    if "SSL" in detail or (settings.clickhouse_secure and isinstance(error, errors.NetworkError)):
        cure = "see that MOLVA_CLICKHOUSE_SECURE and MOLVA_CLICKHOUSE_PORT belong together"
        return Part("clickhouse", False, detail, cure)
    return Part("clickhouse", False, detail, REACH)


def _clock(ahead: float) -> Part:
    """``ahead``: seconds by which our clock is before the server's."""
    detail = f"{abs(ahead):.1f} s between here and ClickHouse"
    return Part("clock", abs(ahead) < MAX_SKEW_S, detail, "synchronise clocks with NTP on both machines")


def _schema(client: Any, settings: Settings) -> list[Part]:
    database = settings.clickhouse_database
    try:
        behind = pending(client, database)
    except (ChangedMigration, NewerDatabase) as error:
        cure = "update Molva here" if isinstance(error, NewerDatabase) else "install the released version"
        return [Part("schema", False, str(error), cure), _grants(client, settings)]
    except MigrationError as error:
        return [Part("schema", False, str(error), "run `molva migrate`")]
    if behind:
        return [Part("schema", False, f"pending: {', '.join(behind)}", "run `molva migrate`")]
    return [Part("schema", True, f"database {database} is up to date"), _grants(client, settings)]


def _grants(client: Any, settings: Settings) -> Part:
    """What storage needs: to read and insert into every table that it writes."""
    database, user = settings.clickhouse_database, settings.clickhouse_user
    tables = sorted({table.name for table in BY_TOPIC.values()} | {ENTITIES, "dead_letter_actions"})
    denied = []
    for right in ("SELECT", "INSERT"):
        lacking = [each for each in tables if not _granted(client, f"{right} ON {database}.{each}")]
        if lacking:
            denied.append(f"{right} on {'all' if lacking == tables else ', '.join(lacking)}")
    if denied:
        cure = f"GRANT SELECT, INSERT ON {database}.* TO {user} (workers), or use a user that may"
        return Part("grants", False, f"{user} may not: {'; '.join(denied)}", cure)
    return Part("grants", True, f"{user} may read and insert")


def _granted(client: Any, right: str) -> bool:
    return bool(client.execute(f"CHECK GRANT {right}")[0][0])


def _disks(client: Any) -> list[Part]:
    """Disks of the server; a user who may not see them is told nothing (Prometheus watches them too)."""
    try:
        rows = client.execute(
            "SELECT name, free_space, total_space, is_read_only FROM system.disks WHERE total_space > 0"
        )
    except errors.ServerException as error:
        if error.code != ACCESS_DENIED:
            raise
        return []
    return [disk(*row) for row in rows]


def disk(name: str, free: int, total: int, read_only: bool) -> Part:
    """What a row of ``system.disks`` says; ``free`` and ``total`` in bytes."""
    if read_only:
        return Part("clickhouse disk", False, f"{name} is read-only", "mount it for writing")
    detail = f"{name}: {free / 1024**3:.1f} of {total / 1024**3:.1f} GiB free"
    cure = "free space or drop old partitions (docs/operations.md, MolvaClickHouseDiskFull)"
    return Part("clickhouse disk", free > LOW_DISK * total, detail, cure)


def _http(settings: Settings) -> Part:
    """The HTTP port, of use for `molva sql` and dashboards only."""
    scheme = "https" if settings.clickhouse_secure else "http"
    url = f"{scheme}://{settings.clickhouse_host}:{settings.clickhouse_http_port}/ping"
    cure = "set MOLVA_CLICKHOUSE_HTTP_PORT (8123, with TLS 8443); only `molva sql` needs it"
    try:
        answer = httpx.get(url, timeout=5.0, trust_env=False)
    except httpx.TransportError as error:
        return Part("clickhouse http", False, f"{url}: {error}", cure)
    return Part("clickhouse http", answer.text.strip() == "Ok.", url, cure)
