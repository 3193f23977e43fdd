"""``molva status``: is every part ready?"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from pipeline.cli.context import DataDir, load_settings, out, print_json

MARKS = {True: "[green]ready[/]", False: "[red]not ready[/]"}


def status(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """Show every part: broker, topics, ClickHouse, schema, workers, lag. Exit code 0 only if all are ready.

    Example: molva status --json | jq .ready
    """
    from pipeline.checks import check_parts  # heavy: clients of both servers

    settings = load_settings(data_dir)
    parts = asyncio.run(check_parts(settings))
    ready = all(part.ready for part in parts)
    if as_json:
        print_json({"ready": ready, "parts": [part._asdict() for part in parts]})
    else:
        table = Table("part", "state", "detail", box=None, header_style="bold")
        for part in parts:
            table.add_row(part.name, MARKS[part.ready], part.detail)
        out.print(table)
    if not ready:
        raise typer.Exit(1)
