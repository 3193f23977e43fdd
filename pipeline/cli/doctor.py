"""``molva doctor``: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipeline.cli.context import DataDir, load_settings, out, print_json
from pipeline.errors import UsageError

if TYPE_CHECKING:  # heavy: clients of both servers and the language models
    from pipeline.checks import Part

MARKS = {True: "[green]well[/]", False: "[red]wrong[/]"}


def doctor(
    data_dir: DataDir = None,
    principal: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="whose rights in Kafka to ask for, e.g. molva-storage: log in as that user",
            show_default="MOLVA_KAFKA_USERNAME if it is one of ours, else molva-operator",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """Look for what is wrong with this installation and say the cure. Exit code 1 if anything is.

    It looks at settings, misspelt variables, this machine, the models, the watchlist, Kafka (topics,
    partitions, rights, clocks), ClickHouse (schema, grants, clock, disks) and the workers of `molva up`; it
    changes nothing and prints no password.

    Example: molva doctor
    """
    findings = _examine(data_dir, principal)
    sick = [part for part in findings if not part.ready]
    if as_json:
        print_json({"healthy": not sick, "findings": [part._asdict() for part in findings]})
    else:
        for part in findings:
            out.print(f"{MARKS[part.ready]:<20} {part.name}: {escape(part.detail)}")
            if not part.ready and part.cure:
                out.print(f"{'':>6} -> {escape(part.cure)}")
    if sick:
        raise typer.Exit(1)


def _examine(data_dir: DataDir, principal: str | None) -> list[Part]:
    from pipeline.checks import Part
    from pipeline.doctor.examination import examine
    from pipeline.doctor.variables import check_variables
    from pipeline.permissions import OPERATOR, WRITES

    try:
        settings = load_settings(data_dir)
    except UsageError as error:
        cure = "correct them; docs/settings.md says what each one takes"
        return [Part("settings", False, str(error), cure), *check_variables(os.environ)]
    known = {*WRITES, OPERATOR}
    if principal is not None and principal not in known:
        raise UsageError(f"--as {principal!r} is no user of Molva in Kafka: {', '.join(sorted(known))}")
    user = settings.kafka_username
    chosen = principal or (user if user in known else OPERATOR)
    return asyncio.run(examine(settings, os.environ, chosen, lambda: datetime.now(UTC)))
