"""``molva alerts``: who is told (check, test), what is on (list), and what people decide about it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli import alert_decisions as decisions
from pipeline.cli.alert_decisions import moment_now
from pipeline.cli.context import DataDir, load_settings, out, print_json
from pipeline.errors import UsageError
from pipeline.settings import Settings

if TYPE_CHECKING:  # heavy: their modules wait until a command needs them
    from pipeline.alerts.configuration import Configuration

app = typer.Typer(
    no_args_is_help=True,
    help="Who is told of spikes, what is on, and what you decide about it (docs/alerts.md).",
)

File = Annotated[Path | None, typer.Option("--file", help="alerts.yaml (or MOLVA_ALERTS)")]
Json = Annotated[bool, typer.Option("--json", help="print as JSON")]


def _configuration(settings: Settings, file: Path | None) -> Configuration:
    from pipeline.alerts.configuration_file import read_configuration

    path = file or settings.alerts
    if path is None:
        raise UsageError(
            "no alerts.yaml: name it with --file or MOLVA_ALERTS; deploy/alerts.example.yaml shows how"
        )
    return read_configuration(path, os.environ)


@app.command()
def check(file: File = None, as_json: Json = False) -> None:
    """Read alerts.yaml and say what is wrong with it, line by line. Nobody is told anything.

    Example: molva alerts check --file alerts.yaml
    """
    from pipeline.alerts.receivers import open_receivers

    configuration = _configuration(load_settings(running=False), file)
    receivers = open_receivers(configuration, str, moment_now)
    if as_json:
        print_json({"receivers": [each.name for each in receivers], "routes": len(configuration.routes)})
        return
    for config in configuration.receivers:
        routes = [n for n, route in enumerate(configuration.routes, 1) if config.name in route.receivers]
        told = ", ".join(map(str, routes)) if routes else "none"
        how = "every live incident" if not configuration.routes else f"routes {told}"
        out.print(f"{config.name} ({config.type}): {how}")
    out.print("[green]well[/]: try it with `molva alerts test`")


@app.command()
def test(
    receiver: Annotated[str | None, typer.Option(help="only this one", show_default="all")] = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Send a sample to the receivers and say how each one took it. Exit code 1 if one did not.

    The sample is marked as a test and belongs to no object; in an Alertmanager it fires for five minutes.

    Example: molva alerts test --receiver pr-telegram
    """
    from pipeline.alerts.sample import send_sample

    configuration = _configuration(load_settings(running=False), file)
    results = asyncio.run(send_sample(configuration, receiver, moment_now))
    if as_json:
        print_json({"receivers": results})
    for name, trouble in [] if as_json else results.items():
        out.print(f"[green]told[/] {name}" if not trouble else f"[red]failed[/] {name}: ", end="")
        out.print(trouble, markup=False)
    if any(results.values()):
        raise typer.Exit(1)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="resolved incidents too")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show open incidents, who has acknowledged them, and what is silenced.

    Example: molva alerts list --json | jq '.incidents[].id'
    """
    from pipeline.cli.alert_log import read_board

    board = asyncio.run(read_board(load_settings(data_dir), moment_now()))
    incidents = [each for each in board.incidents.values() if everything or each.status == "open"]
    if as_json:
        silences = [each.action.model_dump(mode="json") for each in board.silences]
        print_json({"incidents": [each.model_dump(mode="json") for each in incidents], "silences": silences})
        return
    table = Table("incident", "status", "severity", "objects", "since", "note", box=None, header_style="bold")
    for each in sorted(incidents, key=lambda alert: alert.opened_at):
        notes = [f"acknowledged by {each.acknowledged_by}"] if each.acknowledged_by else []
        notes += [f"quiet: {each.suppressed_by}"] if each.suppressed_by else []
        since = f"{each.opened_at:%Y-%m-%d %H:%M}Z"
        table.add_row(
            each.id, each.status, each.severity, ", ".join(each.object_ids), since, "; ".join(notes)
        )
    out.print(table)
    for silence in board.silences:
        action = silence.action
        again = f", {action.recurrence}" if action.recurrence else ""
        out.print(
            f"{action.action} of {action.target}: {silence.begins:%Y-%m-%d %H:%M}Z to "
            f"{silence.ends:%Y-%m-%d %H:%M}Z{again}, by {action.author or '?'} (id {action.id})",
            markup=False,
        )


for _decision in (
    decisions.ack,
    decisions.unack,
    decisions.snooze,
    decisions.unsnooze,
    decisions.maintenance,
    decisions.cancel,
):
    app.command()(_decision)
