"""``molva agent``: one collector as a process (http, rss), or one look at what another would collect."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.context import load_settings, out, print_json, read_watchlist
from pipeline.errors import Unavailable, UsageError
from pipeline.garbage import settle
from pipeline.leaving import STOP_SECONDS, leave_within
from pipeline.logs import configure
from pipeline.settings import Settings

if TYPE_CHECKING:  # heavy: its module waits until a command needs it
    from agents.fleet.dry_run import Item
    from agents.options import AgentOptions

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a process manager, a closed terminal: all stop in order."""
EXCERPT = 100

app = typer.Typer(no_args_is_help=True, help="Run one collector, or try one (docs/agents.md).")

File = Annotated[Path | None, typer.Option("--file", help="agents.yaml (or MOLVA_AGENTS)")]
Json = Annotated[bool, typer.Option("--json", help="print as JSON")]


def run_until_stopped(
    settings: Settings,
    work: Callable[[asyncio.Event, Callable[[str], None]], Awaitable[None]],
    secrets: Iterable[str] = (),
) -> None:
    """Run ``work`` until a signal stops it; it is given the event of that, and what tells a line.

    Args:
        secrets: what must not be logged besides the secrets of the settings.
    """
    configure(settings, os.environ, secrets)

    async def running() -> None:
        stop = asyncio.Event()

        def end() -> None:
            leave_within(STOP_SECONDS)
            stop.set()

        for number in STOPPING:
            asyncio.get_running_loop().add_signal_handler(number, end)
        await work(stop, logging.getLogger("molva.agent").info)

    settle()
    asyncio.run(running())


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def agents_path(settings: Settings, file: Path | None) -> Path:
    """Where agents.yaml is.

    Raises:
        UsageError: nothing names it.
    """
    path = file or settings.agents
    if path is None:
        raise UsageError(
            "no agents.yaml: name it with --file or MOLVA_AGENTS; examples/agents.example.yaml shows how"
        )
    return path


def _run(name: str) -> None:
    from agents.service import run_agent  # heavy: HTTP and Kafka clients

    settings = load_settings()
    run_until_stopped(
        settings, lambda stop, say: run_agent(name, settings, clock=now, stop=stop, started=say)
    )


@app.command()
def http() -> None:
    """Take posts on POST /v1/posts until SIGTERM (MOLVA_HTTP_TOKEN, MOLVA_HTTP_CALLERS, MOLVA_HTTP_PORT).

    Example: MOLVA_HTTP_TOKEN=... molva agent http
    """
    _run("http")


@app.command()
def rss() -> None:
    """Read the feeds of MOLVA_RSS_FEEDS (examples/feeds.example.yaml) until SIGTERM.

    Example: MOLVA_RSS_FEEDS=feeds.yaml molva agent rss
    """
    _run("rss")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="of an entry of agents.yaml: NAME, or KIND:NAME")],
    file: File = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="how long to wait for items")] = 30,
    anyway: Annotated[bool, typer.Option("--anyway", help="also while the fleet runs the agent")] = False,
    as_json: Json = False,
) -> None:
    """Try one agent: print up to 20 items that it would collect, its limits, or what its credentials lack.

    Nothing is published, no cursor moves, nothing is marked as read, no port is listened on. Credentials that
    must not be used in two places (telegram) are left alone while the fleet uses them. Exit codes: 0 the
    source answered, 2 the entry or its credentials must be mended, 3 the source does not answer.

    Example: VK_TOKEN=... molva agent check banks
    """
    from agents.agents_file import agent_of, read_agents
    from agents.base import Unavailable as SourceAway
    from agents.fleet.dry_run import look
    from agents.fleet.process import outside_of
    from pipeline.metrics import Metrics

    settings = load_settings()
    options = agent_of(read_agents(agents_path(settings, file), os.environ), name)
    if options.ALONE and not anyway:
        _require_alone(settings, options.agent)
    outside = outside_of(settings, read_watchlist(settings.watchlist), Metrics(), now)
    try:
        found = asyncio.run(look(options, outside, seconds))
    except SourceAway as error:
        raise Unavailable(f"{options.agent}: {error}") from error
    items, idle = [*map(_shown, found.items)], found.answered and not found.errors
    if as_json:
        print_json({**_about(options), "answered": found.answered, "errors": found.errors, "items": items})
    else:
        _print(options, items, idle=idle, seconds=seconds)
    if found.errors and not found.items:
        told = ", ".join(f"{name} {count}" for name, count in found.errors.items())
        last = f"; the last: {found.told}" if found.told else ""
        raise Unavailable(f"{options.agent}: nothing but failures: {told}{last}")
    if not found.answered:
        raise Unavailable(f"{options.agent}: no answer within {seconds:g} s")


def _require_alone(settings: Settings, agent: str) -> None:
    from aiokafka.errors import KafkaError

    from agents.fleet.view import read_rows, sights

    risk = "its credentials may be voided where two use them; --anyway looks all the same"
    try:
        rows = asyncio.run(read_rows(settings))
    except KafkaError as error:
        raise Unavailable(f"{error}: so nobody knows whether the fleet runs {agent}: {risk}") from error
    for sight in sights(rows, (agent,), now()):
        if sight.agent == agent and sight.report is not None and sight.state not in ("silent", "stopped"):
            raise UsageError(f"{sight.report.owner} runs {agent} now: {risk}. `molva agents` shows how it is")


def _asked(options: AgentOptions) -> list[str]:
    """What the agent asks; of a URL not the query, where a key may stand."""
    from agents.web import shown

    return [shown(place) if "://" in place else place for place in options.hosts()]


def _about(options: AgentOptions) -> dict[str, Any]:
    return {
        "agent": options.agent,
        "limits": options.effective_limits.model_dump(),
        "hosts": _asked(options),
        "backfill": None if options.backfill is None else options.backfill.model_dump(mode="json"),
    }


def _shown(item: Item) -> dict[str, Any]:
    from agents.base import Found, Gone

    if isinstance(item, Found):
        return {"found": item.post.model_dump(mode="json", exclude_defaults=True), "origin": item.origin}
    if isinstance(item, Gone):
        return {"gone": f"{item.source}:{item.native_id}", "origin": item.origin}
    return {"rejected": item.reason, "detail": item.detail, "origin": item.origin}


def _print(options: AgentOptions, items: list[dict[str, Any]], *, idle: bool, seconds: float) -> None:
    limits = options.effective_limits
    out.print(
        f"{options.agent} asks {', '.join(_asked(options)) or 'its library asks'}: at most "
        f"{limits.requests_per_second:g} requests per second to each host, {limits.burst} at once"
    )
    for item in items:
        if "found" in item:
            post = item["found"]
            text = " ".join(post.get("text", "").split())
            out.print(f"{post['created_at']} {post['id']} {text[:EXCERPT]}", markup=False)
        elif "gone" in item:
            out.print(f"deleted: {item['gone']}", markup=False)
        else:
            out.print(f"dead letter {item['origin']}: {item['rejected']}: {item['detail']}", markup=False)
    if idle and not items:
        answers = "the source answers; " if options.hosts() else "nobody is asked; "
        out.print(f"{answers}nothing new came within {seconds:g} s")
    elif items:
        out.print(f"[green]well[/]: {len(items)} items; nothing was published")
