"""What commands share: settings that find a running ``molva up``, consoles, JSON output."""

from __future__ import annotations

import json
import os
import sys
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from pipeline.core.watchlist import Watchlist, WatchlistError
from pipeline.embedded.stack_info import find_stack
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.watchlist_file import load_watchlist

STDIN = 0
WATCHLIST = Path("watchlist.yaml")
"""Taken from the current folder where neither an option nor MOLVA_WATCHLIST names another."""

SECRETS_DIR = "MOLVA_SECRETS_DIR"

DataDir = Annotated[Path | None, typer.Option(help="the data dir of `molva up`", show_default=".molva")]
"""The option of every command that looks for a running stack."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)


def load_settings(data_dir: Path | None = None, *, running: bool = True) -> Settings:
    """Settings of the environment; a running ``molva up`` on the data dir tells where its servers are.

    A setting may also stand in a file of its own, e.g. ``molva_kafka_password`` in the folder that
    ``MOLVA_SECRETS_DIR`` names; a variable wins over a file, and servers that the environment names
    (``MOLVA_KAFKA_BOOTSTRAP``) win over a running stack.

    Args:
        running: False to leave a running stack alone.

    Raises:
        UsageError: a ``MOLVA_`` variable has a wrong value.
    """
    given: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    try:
        settings = Settings(_secrets_dir=_secrets_dir(), **given)
    except ValidationError as error:
        lines = [
            f"MOLVA_{'.'.join(map(str, item['loc'])).upper()}: {item['msg']} (got {item['input']!r})"
            for item in error.errors()
        ]
        raise UsageError("wrong settings in the environment:\n  " + "\n  ".join(lines)) from error
    if settings.watchlist is None and WATCHLIST.is_file():
        settings = settings.model_copy(update={"watchlist": WATCHLIST.resolve()})
    if not running or "MOLVA_KAFKA_BOOTSTRAP" in os.environ:
        return settings
    stack = find_stack(settings.data_dir)
    return settings if stack is None else stack.settings(settings)


def _secrets_dir() -> Path | None:
    """The folder of MOLVA_SECRETS_DIR, as Docker and Kubernetes mount secrets.

    Raises:
        UsageError: there is no such folder.
    """
    named = os.environ.get(SECRETS_DIR)
    if not named:
        return None
    if not Path(named).is_dir():
        raise UsageError(f"{SECRETS_DIR}={named} is no folder")
    return Path(named)


def read_watchlist(path: Path | None) -> Watchlist:
    """The watchlist of a file; None: nothing is watched.

    Raises:
        UsageError: with every problem of the file and its line.
    """
    try:
        return Watchlist(()) if path is None else load_watchlist(path)
    except WatchlistError as error:
        raise UsageError(str(error)) from error


def open_input(file: Path) -> BufferedReader:
    """A file's bytes; ``-`` is standard input.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        return open(STDIN, "rb", closefd=False) if str(file) == "-" else file.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def print_json(document: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()
