"""``molva sql`` and ``molva migrate``: ClickHouse from the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import httpx
import typer

from pipeline.cli.context import DataDir, load_settings, out, print_json
from pipeline.errors import Unavailable, UsageError
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.sink.migrations import Migration, known, missing, on_cluster
from pipeline.sink.migrations import migrate as apply_migrations


def sql(
    query: Annotated[str, typer.Argument(help="a ClickHouse query; - reads it from standard input")],
    output: Annotated[
        str,
        typer.Option("--format", "-f", help="any ClickHouse output format, e.g. JSONEachRow, CSVWithNames"),
    ] = "PrettyCompactMonoBlock",
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="short for --format JSONEachRow")] = False,
) -> None:
    """Run a query in Molva's database: the embedded one if `molva up` runs, else the configured one.

    Tables: posts, mentions, entities, spikes, alerts, alert_actions, dead_letters,
    dead_letter_actions, deletions; see docs/clickhouse.md.

    Example: molva sql "SELECT object_id, count() FROM mentions GROUP BY 1 ORDER BY 2 DESC"
    """
    text = sys.stdin.read() if query == "-" else query
    run_query(load_settings(data_dir), text, "JSONEachRow" if as_json else output)


def run_query(settings: Settings, query: str, output: str) -> None:
    """Stream a query's result to standard output.

    Raises:
        UsageError: ClickHouse refused the query.
        Unavailable: ClickHouse cannot be reached.
    """
    scheme = "https" if settings.clickhouse_secure else "http"
    request = httpx.Request(
        "POST",
        f"{scheme}://{settings.clickhouse_host}:{settings.clickhouse_http_port}/",
        params={"database": settings.clickhouse_database, "default_format": output, "wait_end_of_query": "1"},
        headers={
            "X-ClickHouse-User": settings.clickhouse_user,
            "X-ClickHouse-Key": settings.clickhouse_password.get_secret_value(),
        },
        content=query.encode(),
    )
    try:
        with httpx.Client(timeout=httpx.Timeout(600.0, connect=5.0)) as client:
            response = client.send(request, stream=True)
            try:
                if response.is_error:
                    message = response.read().decode("utf-8", errors="replace").strip()
                    raise UsageError(f"ClickHouse: {message}")
                for chunk in response.iter_bytes():
                    sys.stdout.buffer.write(chunk)
            finally:
                response.close()
    except httpx.TransportError as error:
        raise Unavailable(
            f"ClickHouse does not answer on {request.url.host}:{request.url.port} ({error}). "
            "Start the embedded stack with `molva up`, or set MOLVA_CLICKHOUSE_HOST "
            "and MOLVA_CLICKHOUSE_HTTP_PORT"
        ) from error
    sys.stdout.flush()


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what it would do, and do nothing")] = False,
    contract: Annotated[
        bool, typer.Option("--contract", help="also take away what only older workers used")
    ] = False,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the migrations as JSON")] = False,
) -> None:
    """Bring the ClickHouse schema up to date; running it again changes nothing.

    Workers of the last release may run meanwhile: steps that expand the schema or migrate data do not
    disturb them. Steps that contract it wait for --contract, which is refused while an older worker has been
    seen lately. All is refused while a run of `molva reprocess` is unfinished.

    Example: MOLVA_CLICKHOUSE_HOST=ch.example molva migrate --dry-run
    """
    settings = load_settings(data_dir)
    with connect(settings, database="default") as client:
        if dry_run:
            found = missing(client, settings.clickhouse_database)
            _show_missing(found, settings.clickhouse_cluster, contract, as_json)
            return
        applied = apply_migrations(
            client, settings.clickhouse_database, contract=contract, cluster=settings.clickhouse_cluster
        )
    if as_json:
        print_json({"database": settings.clickhouse_database, "applied": applied})
    elif applied:
        out.print("applied " + ", ".join(applied))
    else:
        out.print(f"database {settings.clickhouse_database} is up to date")


def _show_missing(found: list[Migration], cluster: str, contract: bool, as_json: bool) -> None:
    """What `molva migrate` would do: each step with its kind and the beginning of its statements."""
    statements = {each.name: on_cluster(each.statements, known(), cluster) for each in found}
    if as_json:
        rows = [{"name": each.name, "kind": each.kind, "statements": statements[each.name]} for each in found]
        print_json({"missing": rows})
        return
    for each in found:
        waits = each.kind == "contract" and not contract
        out.print(f"{each.name}: {each.kind}" + (", waits for --contract" if waits else ""))
        for statement in statements[each.name]:
            out.print(f"    {' '.join(statement.split())[:100]}", markup=False)
    if not found:
        out.print("nothing to do: the schema is up to date")
