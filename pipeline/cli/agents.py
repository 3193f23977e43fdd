"""``molva agents``: the fleet that collects for agents.yaml: how it is, one process of it, requests to it."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipeline.cli.agent import File, Json, agents_path, now, run_until_stopped
from pipeline.cli.context import DataDir, load_settings, out, print_json, read_watchlist
from pipeline.errors import UsageError
from pipeline.settings import Settings

if TYPE_CHECKING:  # heavy: its module waits until a command needs it
    from agents.fleet.view import Sight
    from agents.fleet.vitals import PastReport
    from agents.options import Backfill

COLOURS = {"running": "green", "starting": "green", "waiting": "yellow"}
STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="KIND:NAME, or NAME where agents.yaml is at hand")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, file: File = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show the collectors of agents.yaml: owner, last post, lag, rate, errors; and ask things of them.

    Exit code 0 only if all of them collect (docs/agents.md).

    Example: molva agents --json | jq '.agents[] | select(.state != "running")'
    """
    if context.invoked_subcommand is not None:
        return
    from agents.agents_file import read_agents
    from agents.fleet.view import read_rows, sights

    settings = load_settings(data_dir)
    path = file or settings.agents
    names = None
    if path is not None:
        names = [each.agent for each in read_agents(path, {}, complete=False)]
    seen = sights(asyncio.run(read_rows(settings)), names, now())
    if as_json:
        print_json({"agents": [_document(each) for each in seen]})
    elif seen:
        out.print(_table(seen, now()))
    else:
        out.print("no agent has ever run: write agents.yaml, then `molva agents run` or `molva up`")
    if not all(each.well for each in seen):
        raise typer.Exit(1)


def _document(sight: Sight) -> dict[str, Any]:
    report = {} if sight.report is None else sight.report.model_dump(mode="json", exclude={"version"})
    return {**report, "agent": sight.agent, "state": sight.state, "configured": sight.configured}


def _table(seen: list[Sight], moment: datetime) -> Table:
    columns = ("agent", "state", "owner", "last post", "lag", "posts/min", "posts", "errors", "back-fill")
    table = Table(*columns, box=None, header_style="bold")
    for sight in seen:
        report = sight.report
        state = f"[{COLOURS.get(sight.state, 'red')}]{sight.state}[/]"
        if not sight.configured:
            state += " (not in agents.yaml)"
        if report is None:
            table.add_row(sight.agent, state)
            continue
        told = [report.problem, *(f"{host} is left alone" for host in report.open_circuits)]
        past = report.backfill
        table.add_row(
            sight.agent,
            ": ".join([state, *map(escape, filter(None, told))]),
            report.owner,
            "never" if report.last_post_at is None else f"{_span(moment - report.last_post_at)} ago",
            "" if report.lag_seconds is None else _span(timedelta(seconds=report.lag_seconds)),
            f"{report.posts_per_minute:g}",
            str(report.posts),
            ", ".join(f"{name} {count}" for name, count in report.errors.items()),
            "" if past is None else escape(_past(past)),
        )
    return table


def _past(past: PastReport) -> str:
    done = ", done" if past.done else ""
    return f"{past.period}: {past.posts} posts{done} {past.problem}".rstrip()


def _span(span: timedelta) -> str:
    seconds = max(0.0, span.total_seconds())
    size, unit = next((step for step in STEPS if seconds >= step[0]), STEPS[-1])
    return f"{seconds / size:.0f} {unit}"


@app.command()
def run(file: File = None) -> None:
    """Run one process of the fleet until SIGTERM. Start as many as you like, on any machines.

    Each agent runs in one of them; where a process ends, the others take its agents over.

    Example: MOLVA_AGENTS=agents.yaml molva agents run
    """
    from agents.agents_file import read_agents
    from agents.fleet.process import run_fleet
    from agents.options import secrets_in

    settings = load_settings()
    path = agents_path(settings, file)
    agents = read_agents(path, os.environ)
    watchlist = None if settings.watchlist is None else read_watchlist(settings.watchlist)
    run_until_stopped(
        settings,
        lambda stop, say: run_fleet(agents, settings, watchlist, clock=now, stop=stop, started=say),
        secrets={secret for options in agents for secret in secrets_in(options)},
    )


@app.command("check-file")
def check_file(
    file: File = None,
    secrets: Annotated[bool, typer.Option(help="also read the secrets that it names")] = True,
    as_json: Json = False,
) -> None:
    """Read agents.yaml and say what is wrong with it, line by line. Nobody is asked anything.

    Example: molva agents check-file --file agents.yaml --no-secrets
    """
    from agents.agents_file import read_agents

    agents = read_agents(agents_path(load_settings(running=False), file), os.environ, complete=secrets)
    if as_json:
        print_json({"agents": [each.agent for each in agents]})
        return
    for each in agents:
        limits = each.effective_limits
        out.print(f"{each.agent}: {limits.requests_per_second:g} requests per second, {limits.burst} at once")
    out.print("[green]well[/]: try one with `molva agent check NAME`")


@app.command()
def backfill(
    name: Name,
    since: Annotated[datetime | None, typer.Option(formats=FORMATS, help="from here on, UTC")] = None,
    until: Annotated[datetime | None, typer.Option(formats=FORMATS, help="to before here, UTC")] = None,
    rate: Annotated[float, typer.Option(min=0.001, max=1000, help="requests per second, at most")] = 0.5,
    cancel: Annotated[bool, typer.Option("--cancel", help="withdraw: that period, or all of them")] = False,
    file: File = None,
    data_dir: DataDir = None,
) -> None:
    """Have an agent collect a period of the past, beside the present, which always goes first.

    Its posts stand on the timeline backfill:AGENT:SINCE..UNTIL. The agent's owner begins at once; where none
    runs, the next one does. A period that is done is not collected again. `molva agents` shows how far it is.
    With --cancel nothing more of it is collected; asked for again, it goes on from there.

    Example: molva agents backfill vk:banks --since 2026-01-01 --until 2026-02-01
    """
    from agents.fleet.view import ask_backfill, withdraw_backfills

    settings = load_settings(data_dir)
    agent = _full_name(settings, file, name)
    asked = None if since is None or until is None else _asked(since, until, rate)
    if cancel and (since is None) == (until is None):
        withdrawn = asyncio.run(withdraw_backfills(settings, agent, asked))
        if not withdrawn:
            raise UsageError(f"{agent} is asked for no such period; one of agents.yaml is taken out there")
        out.print(f"{agent} is no longer asked for {', '.join(withdrawn)}")
    elif cancel or asked is None:
        raise UsageError("give both --since and --until")
    else:
        asyncio.run(ask_backfill(settings, agent, asked))
        out.print(
            f"{agent} is asked for {asked.since:%Y-%m-%d %H:%M} to {asked.until:%Y-%m-%d %H:%M} UTC: "
            "see `molva agents`"
        )


def _asked(since: datetime, until: datetime, rate: float) -> Backfill:
    from agents.options import Backfill

    if since >= until:
        raise UsageError("--since must come before --until")
    return Backfill(
        since=since.replace(tzinfo=UTC), until=until.replace(tzinfo=UTC), requests_per_second=rate
    )


@app.command()
def forget(name: Name, file: File = None, data_dir: DataDir = None) -> None:
    """Have an agent begin at the beginning: its cursors, its rhythm and its finished back-fills are deleted.

    What is stored already is not stored twice. Of an agent that is no longer in agents.yaml this removes the
    last trace.

    Example: molva agents forget vk:banks
    """
    from agents.fleet.view import ask_to_forget

    settings = load_settings(data_dir)
    agent = _full_name(settings, file, name)
    asyncio.run(ask_to_forget(settings, agent))
    out.print(f"{agent} is asked to begin at the beginning")


def _full_name(settings: Settings, file: Path | None, name: str) -> str:
    from agents.agents_file import agent_of, read_agents

    if ":" in name:
        return name
    return agent_of(read_agents(agents_path(settings, file), {}, complete=False), name).agent
