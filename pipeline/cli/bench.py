"""``molva bench``: what Molva is compared with, measured on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import err, open_input, out, print_json
from pipeline.errors import UsageError
from schemas.codec import InvalidRecord, parse_json

DATA_SETS = ("tweets_banks_2014.jsonl", "tweets_telecoms_2014.jsonl", "rusentitweet_train.jsonl")

app = typer.Typer(help="Measure Molva against what it replaces.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure Molva against what it replaces."""


@app.command()
def entities(
    files: Annotated[
        list[Path] | None, typer.Argument(help='JSON lines with "text" [default: tweets of --data]')
    ] = None,
    posts: Annotated[int, typer.Option(min=1, help="posts of each file")] = 2000,
    data: Annotated[Path, typer.Option(envvar="MOLVA_DATA", help="the folder with the data sets")] = Path(
        "../shared/data"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """Compare the names that Molva finds, and how fast, with natasha itself: one process, the same posts.

    `ner` is spans and types alone, `full` with normal forms; speeds are posts per CPU second, `ratio` is
    Molva's with cold caches over natasha's. Exit code 1 where more than 0.1 % of the posts differ.

    Example: molva bench entities posts.jsonl --posts 5000 --json
    """
    texts = [text for file in files or [data / name for name in DATA_SETS] for text in _texts(file, posts)]
    if not texts:
        raise UsageError("no posts to compare on")
    err.print(f"{len(texts)} posts, first with Molva, then with natasha; a minute or so")
    from pipeline.nlp.engine.comparison import compare_engines  # heavy: natasha

    report = compare_engines(texts).as_json()
    if as_json:
        print_json(report)
    else:
        out.print_json(json.dumps(report, ensure_ascii=False))
    if max(report[part]["differing_share"] for part in ("ner", "full")) > 0.001:
        raise typer.Exit(1)


def _texts(file: Path, posts: int) -> list[str]:
    """The texts of the first rows of a file."""
    texts: list[str] = []
    with open_input(file) as lines:
        for number, line in enumerate(lines, 1):
            if len(texts) == posts:
                break
            texts.append(_text(line, f"{file}:{number}"))
    return texts


def _text(line: bytes, place: str) -> str:
    try:
        row: Any = parse_json(line)
    except InvalidRecord as error:
        raise UsageError(f"{place}: {error.detail}") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise UsageError(f'{place}: expected an object with a string "text"')
    return str(row["text"])
