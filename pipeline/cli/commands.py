"""All commands of ``molva``: one module per group; heavy imports wait until a command needs them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from importlib.metadata import version
from inspect import cleandoc
from typing import Annotated

import typer
from rich.text import Text

from pipeline.cli import (
    agent,
    agents,
    alerts,
    backfill,
    backtest,
    bench,
    dead_letters,
    demo,
    detect,
    doctor,
    erase,
    evaluate,
    language,
    replay,
    reprocess,
    schemas,
    sql,
    status,
    topics,
    train,
)
from pipeline.cli import run as running
from pipeline.cli.context import err
from pipeline.cli.mistakes import ending_of

RUN, ALONE, LOOK, SET_UP = "Run", "Without servers", "Look", "Set up"

app = typer.Typer(
    name="molva",
    help="What people say in public about a company, its people, products, topics and competitors.",
    epilog="Start with `molva demo`. Exit codes: 0 done, 1 the answer is no, 2 wrong input or options, "
    "3 a server cannot be reached, 4 a stage gave up too many records and stopped, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def flowing(docstring: str | None) -> str:
    """A docstring as paragraphs without line ends, so that the help fills a terminal of any width."""
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(docstring or "").split("\n\n"))


def _add(panel: str, *commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(help=flowing(command.__doc__), rich_help_panel=panel)(command)


_add(RUN, demo.demo, running.up, replay.replay)
app.add_typer(agent.app, name="agent", rich_help_panel=RUN)
app.add_typer(agents.app, name="agents", rich_help_panel=RUN)
_add(RUN, running.worker)
_add(ALONE, language.annotate, detect.detect, backtest.backtest)
app.add_typer(train.app, name="train", rich_help_panel=ALONE)
app.add_typer(evaluate.app, name="eval", rich_help_panel=ALONE)
app.add_typer(bench.app, name="bench", rich_help_panel="Without servers")
app.add_typer(schemas.app, name="schemas", rich_help_panel=ALONE)
_add(LOOK, sql.sql, status.status, doctor.doctor)
app.add_typer(alerts.app, name="alerts", rich_help_panel=LOOK)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=LOOK)
_add(SET_UP, topics.topics, sql.migrate, backfill.backfill, reprocess.reprocess, erase.erase)


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="print the version and exit", is_eager=True)
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"molva {version('molva')}")
        raise typer.Exit


def run() -> None:
    """Run the command; mistakes of the user and absent servers end as one message, not a stack trace."""
    for library in ("aiokafka", "clickhouse_driver", "molva"):
        # workers log; commands say it themselves
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        app(prog_name="molva")
    except Exception as error:
        ending = ending_of(error)
        if ending is None:
            raise
        err.print(Text.assemble(("molva: ", "bold red"), ending.message))
        sys.exit(ending.exit_code)
