"""All commands of ``molva``: one module per group, loaded when it is typed, and only that one.

A worker or an agent is such a command, too: seven of them start at once in `molva up`, and what they import
beyond their need is most of the time that the start takes (docs/performance.md, "Start").
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from inspect import cleandoc
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group

from pipeline.cli.context import err
from pipeline.cli.mistakes import ending_of

RUN, ALONE, LOOK, SET_UP = "Run", "Without servers", "Look", "Set up"


class Place(NamedTuple):
    """Where a command stands: its panel in the help, its module here, its function or `typer.Typer`."""

    panel: str
    module: str
    attribute: str


COMMANDS = {
    "demo": Place(RUN, "demo", "demo"),
    "up": Place(RUN, "run", "up"),
    "replay": Place(RUN, "replay", "replay"),
    "agent": Place(RUN, "agent", "app"),
    "agents": Place(RUN, "agents", "app"),
    "worker": Place(RUN, "run", "worker"),
    "annotate": Place(ALONE, "language", "annotate"),
    "detect": Place(ALONE, "detect", "detect"),
    "backtest": Place(ALONE, "backtest", "backtest"),
    "sql": Place(LOOK, "sql", "sql"),
    "status": Place(LOOK, "status", "status"),
    "doctor": Place(LOOK, "doctor", "doctor"),
    "topics": Place(SET_UP, "topics", "topics"),
    "migrate": Place(SET_UP, "sql", "migrate"),
    "backfill": Place(SET_UP, "backfill", "backfill"),
    "reprocess": Place(SET_UP, "reprocess", "reprocess"),
    "erase": Place(SET_UP, "erase", "erase"),
    "train": Place(ALONE, "train", "app"),
    "eval": Place(ALONE, "evaluate", "app"),
    "bench": Place(ALONE, "bench", "app"),
    "schemas": Place(ALONE, "schemas", "app"),
    "alerts": Place(LOOK, "alerts", "app"),
    "dead-letters": Place(LOOK, "dead_letters", "app"),
}
"""By name, in the order of the help."""


class Loading(Mapping[str, Any]):
    """The commands by name; one is imported when it is looked up."""

    def __init__(self) -> None:
        self._load = cache(lambda name: load(name, COMMANDS[name]))

    def __getitem__(self, name: str) -> Any:
        return self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The command ``molva``: names its commands without loading them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Loading()  # type: ignore[assignment] # nobody adds one

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    cls=Commands,
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


def load(name: str, place: Place) -> Any:
    """A command, its module imported; Typer makes the same of it as if the application had it itself."""
    found = getattr(import_module(f"pipeline.cli.{place.module}"), place.attribute)
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name, rich_help_panel=place.panel)
    else:
        alone.command(name, help=flowing(found.__doc__), rich_help_panel=place.panel)(found)
    return get_group(alone).commands[name]


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
        from rich.text import Text  # only now: no command needs it that ends well

        err.print(Text.assemble(("molva: ", "bold red"), ending.message))
        sys.exit(ending.exit_code)
