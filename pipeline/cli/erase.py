"""``molva erase``: what deleted posts said leaves ClickHouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pipeline.cli.context import DataDir, err, load_settings, out, print_json
from pipeline.errors import UsageError
from pipeline.sink.clickhouse import connect
from pipeline.sink.erasure import Erasure
from pipeline.sink.migrations import pending
from pipeline.sink.reprocessing import refuse_reprocessing


def erase(
    days: Annotated[
        int, typer.Option("--days", min=0, help="only posts that were deleted at least so many days ago")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="count what it would do, and do nothing")
    ] = False,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the rows of each table as JSON")] = False,
) -> None:
    """Erase text, author, address and names of posts that were deleted at their source.

    Ids, dates, sentiment and all counts stay, so no rollup, spike or share changes. Spikes lose what they
    quote of such posts, and incidents about these spikes their texts. Run it daily where the law asks for
    it; what is erased already costs nothing, and a run that was killed is ended by the next. ClickHouse
    rewrites whole months, one after the other. Refused while a run of `molva reprocess` is unfinished. Needs
    ClickHouse as molva_owner. Kafka keeps records for as long as its topics say (`molva topics`).

    Example: molva erase --days 7 --dry-run
    """
    settings = load_settings(data_dir)
    until = datetime.now(UTC) - timedelta(days=days)
    with connect(settings, database="default") as client:
        if behind := pending(client, settings.clickhouse_database):
            raise UsageError(
                f"the schema is older than Molva ({', '.join(behind)}): run `molva migrate` first"
            )
        if not dry_run:
            refuse_reprocessing(client, settings.clickhouse_database, "`molva erase`")
        client.execute(f"USE {settings.clickhouse_database}")
        told = Erasure(client, settings.clickhouse_cluster, until, _show).run(dry=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "rows": told})
        return
    if not any(told.values()):
        out.print("nothing to erase")
        return
    listed = ", ".join(f"{rows} of {table}" for table, rows in told.items() if rows)
    out.print(f"{'would erase' if dry_run else 'erased'} {listed}")


def _show(table: str, parts: int) -> None:
    err.print(f"{table}: {parts} parts to rewrite", style="dim")
