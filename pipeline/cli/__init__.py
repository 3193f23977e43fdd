"""The command ``molva``: one module per group of commands; heavy imports wait until a command needs them."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.text import Text

from pipeline.cli import demo, detect, language, replay, run, schemas, sql, status, topics
from pipeline.cli.context import err
from pipeline.cli.mistakes import ending_of

app = typer.Typer(
    name="molva",
    help="What people say in public about a company, its people, products, topics and competitors.",
    epilog="Exit codes: 0 done, 1 the answer is no, 2 wrong input or options, 3 a server cannot be reached.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command(rich_help_panel="Run")(demo.demo)
app.command(rich_help_panel="Run")(run.up)
app.command(rich_help_panel="Run")(replay.replay)
app.command(rich_help_panel="Run")(run.agent)
app.command(rich_help_panel="Run")(run.worker)
app.command(rich_help_panel="Without servers")(language.annotate)
app.command(rich_help_panel="Without servers")(detect.detect)
app.add_typer(language.train_app, name="train", rich_help_panel="Without servers")
app.add_typer(schemas.app, name="schemas", rich_help_panel="Without servers")
app.command(rich_help_panel="Look")(sql.sql)
app.command(rich_help_panel="Look")(status.status)
app.command(rich_help_panel="Look")(status.doctor)
app.command(rich_help_panel="Set up")(topics.topics)
app.command(rich_help_panel="Set up")(sql.migrate)


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="print the version and exit", is_eager=True)
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"molva {version('molva')}")
        raise typer.Exit


def main() -> None:
    """Run the command; mistakes of the user and absent servers end as one message, not a stack trace."""
    for library in ("aiokafka", "clickhouse_driver"):
        logging.getLogger(library).addHandler(
            logging.NullHandler()
        )  # workers log; commands say it themselves
    try:
        app(prog_name="molva")
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left, e.g. `| head`
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        ending = ending_of(error)
        if ending is None:
            raise
        err.print(Text.assemble(("molva: ", "bold red"), ending.message))
        sys.exit(ending.exit_code)
