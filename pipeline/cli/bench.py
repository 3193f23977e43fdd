"""``molva bench``: what Molva is compared with, measured on this machine."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pipeline.cli.context import err, load_settings, open_input, out, print_json, read_watchlist
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


@app.command()
def pipeline(
    posts: Annotated[int, typer.Option(min=1000, help="posts at full speed")] = 200_000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="enrichment workers", show_default="one per core")
    ] = os.cpu_count() or 1,
    partitions: Annotated[
        int, typer.Option(min=1, max=4096, help="of the topics; each costs two inserts a second")
    ] = 4,
    broker: Annotated[
        Literal["tansu", "kafka"], typer.Option(help="kafka: Apache Kafka, needs Java")
    ] = "tansu",
    naive: Annotated[
        bool, typer.Option("--naive", help="also run benchmarks/naive.py on the same stack")
    ] = False,
    rate: Annotated[
        float | None, typer.Option(min=1, help="posts a second: one phase at this rate instead")
    ] = None,
    data: Annotated[Path, typer.Option(envvar="MOLVA_DATA", help="the folder with the data sets")] = Path(
        "../shared/data"
    ),
    watchlist: Annotated[Path, typer.Option(help="what is watched")] = Path(
        "examples/banks-and-operators.yaml"
    ),
    data_dir: Annotated[
        Path | None, typer.Option(help="keep the stack's data and logs here", show_default="a temporary one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one line of JSON")] = False,
) -> None:
    """Measure the whole pipeline on a stack of its own: producer, enrichment, detection, ClickHouse.

    First at full speed, then at 50 % and 90 % of it. Posts are tweets of the data sets, one in ten about a
    watched object, used again with fresh ids. Latency is from publication until ClickHouse shows the post.
    `ratio_to_limit` compares posts per CPU second of the enrichment workers with the enrichment function
    alone in a loop. docs/performance.md explains every number.

    Example: molva bench pipeline --posts 900000 --rate 1500 --json    (ten minutes at 1,500 posts a second)
    """
    from pipeline.bench.run import Options, run  # heavy: the clients of both servers, language models

    read_watchlist(watchlist)
    options = Options(data, watchlist, posts, workers, partitions, broker, naive, rate)
    with tempfile.TemporaryDirectory(prefix="molva-bench-") as temporary:
        settings = load_settings(data_dir or Path(temporary), running=False)
        report = run(settings, options, lambda line: err.print(line, markup=False))
    if as_json:
        print_json(report)
    else:
        out.print_json(json.dumps(report, ensure_ascii=False))


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
