"""``molva eval``: how good the language models are on labelled rows, without any server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import RenderableType

from pipeline.cli.bench import DATA_SETS
from pipeline.cli.context import err, load_settings, out, print_json
from pipeline.cli.labelled import SHOWN, finder_of, look_up, progress, read_rows
from pipeline.cli.score_tables import entities_tables, mentions_tables, sentiment_parts
from pipeline.errors import MolvaError, UsageError

ALLOWED = 0.001
"""Share of posts that may differ from natasha."""
BATCH = 256

Files = Annotated[list[Path], typer.Argument(help="labelled JSON lines; - is standard input")]
Data = Annotated[Path, typer.Option(envvar="MOLVA_DATA", help="the folder with the training data sets")]
Mistakes = Annotated[int, typer.Option(min=0, help="show so many mistakes, drawn with a fixed seed")]
AsJson = Annotated[bool, typer.Option("--json", help="print the report as one line of JSON")]
FOLDER = Path("../shared/data")

app = typer.Typer(help="Score the language models on labelled rows.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Score the language models on labelled rows."""


@app.command()
def sentiment(
    files: Files,
    model: Annotated[
        Literal["open", "full"] | None, typer.Option(help="the sentiment model (or MOLVA_SENTIMENT_MODEL)")
    ] = None,
    tier: Annotated[
        Literal["fast", "strong", "cascade"] | None,
        typer.Option(help="which of the model's tiers answers (or MOLVA_SENTIMENT_TIER)"),
    ] = None,
    watchlist: Annotated[
        Path | None, typer.Option(help="finds the objects of rows without target_span (or MOLVA_WATCHLIST)")
    ] = None,
    data: Data = FOLDER,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="only rows whose near-duplicates training never saw")
    ] = False,
    mistakes: Mistakes = 0,
    as_json: AsJson = False,
) -> None:
    """Score the sentiment of whole texts and toward objects: F1, F+-, confusion, calibration, intervals.

    Rows are {text, label}, {text, target, label, target_span}, {text, targets: {object: label}} or {text,
    emotions}. Exit code 1 where a row cannot be read; the others are scored.

    Example: molva eval sentiment ../shared/data/rusentitweet_train.jsonl --held-out --tier fast
    """
    from pipeline.nlp.load import load_tier  # heavy: onnxruntime
    from pipeline.nlp.scoring import rows as reading
    from pipeline.nlp.scoring import sentiment as scoring

    settings = load_settings(running=False)
    chosen = model or settings.sentiment_model
    tier = tier or settings.sentiment_tier
    finder = finder_of(watchlist or settings.watchlist)
    rows, unreadable, empty = read_rows(files, reading.labelled)
    texts = [row.text for _, row in rows]
    training, groups, seen = look_up(texts, chosen, data, held_out)
    kept = [at for at in range(len(rows)) if not (held_out and seen[at])]
    if not kept:
        raise MolvaError("no row to score" + (": training saw all of them" if rows else ""))
    try:
        loaded = load_tier(chosen, tier)
    except FileNotFoundError as error:
        raise UsageError(f"the model {chosen} has no {tier} tier here: no file {error}") from error
    asked = progress([rows[at] for at in kept], "asking the model")
    judged = list(scoring.ask(loaded, asked, finder))
    report = {
        "model": chosen,
        "tier": tier,
        "name": loaded.name,
        "rows": len(judged),
        "unreadable": unreadable,
        "without_label": empty,
        "held_out_only": held_out,
        "training": training,
        "objects_found": scoring.found(judged),
        **scoring.by_file(judged, groups[kept]),
        "mistakes": scoring.mistakes(judged, mistakes),
    }
    _print(report, as_json, sentiment_parts(report))
    _end(unreadable)


@app.command()
def mentions(
    files: Files,
    watchlist: Annotated[Path | None, typer.Option(help="the watchlist (or MOLVA_WATCHLIST)")] = None,
    mistakes: Annotated[
        int, typer.Option(min=0, help="show so many misses and so many false hits, drawn with a fixed seed")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Score which watched objects are found: recall, precision and F1 per object, and per matching rule.

    Rows have `targets` (a list of object ids, or {object: label}) or one `target`. An object that no row of
    a file is labelled with was not judged in it: finding it is neither right nor wrong.

    Example: molva eval mentions tweets_banks_2014.jsonl --watchlist examples/banks-and-operators.yaml
    """
    from pipeline.nlp.scoring import mentions as scoring
    from pipeline.nlp.scoring.rows import named

    path = watchlist or load_settings(running=False).watchlist
    if path is None:
        raise UsageError("which objects are to be found? Name a watchlist with --watchlist")
    finder = finder_of(path)
    rows, unreadable, _ = read_rows(files, named)
    if not rows:
        raise MolvaError("no row to score")
    posts = [
        post
        for file in dict.fromkeys(file for file, _ in rows)
        for post in scoring.merged(file, (row for name, row in rows if name == file))
    ]
    err.print(f"matching {len(posts):,} posts")
    pairs = scoring.compare(posts, finder.find, finder.watched)
    report = {
        "watchlist": str(path),
        "unreadable": unreadable,
        **scoring.report(posts, pairs, finder.watched),
        "mistakes": scoring.mistakes(posts, pairs, mistakes),
    }
    _print(report, as_json, mentions_tables(report))
    _end(unreadable)


@app.command()
def entities(
    files: Annotated[
        list[Path] | None, typer.Argument(help='JSON lines with "text" [default: tweets of --data]')
    ] = None,
    posts: Annotated[int, typer.Option(min=1, help="posts of each file")] = 2000,
    data: Data = FOLDER,
    mistakes: Annotated[int, typer.Option(min=0, help="show so many posts that differ")] = 5,
    as_json: AsJson = False,
) -> None:
    """Score the names that Molva finds against natasha's own, and against labelled ones where rows have them.

    Rows need a `text`; with `target_span` and `target_type` (RuSentNE) or `entities` the recall of these is
    scored too. Exit code 1 where more than 0.1 % of the posts differ from natasha's.

    Example: molva eval entities ../shared/data/rusentne2023_train.jsonl --posts 1000
    """
    from pipeline.nlp.ner import Ner  # heavy: natasha
    from pipeline.nlp.scoring import entities as scoring

    rows, unreadable, _ = read_rows(files or [data / name for name in DATA_SETS], scoring.named_text, posts)
    if not rows:
        raise MolvaError("no posts to compare on")
    named = [row for _, row in rows]
    texts = [row.text for row in named]
    molva, natasha = (_names(Ner(engine), texts, engine) for engine in ("fast", "natasha"))
    report: dict[str, Any] = {
        "unreadable": unreadable,
        "identity": scoring.identity(texts, molva, natasha, mistakes),
        "labelled": scoring.gold_recall(named, molva),
        "labelled_whole": scoring.gold_scores(named, molva),
    }
    _print(report, as_json, entities_tables(report))
    if report["identity"]["differing_share"] > ALLOWED:
        raise typer.Exit(1)
    _end(unreadable)


def _names(ner: Any, texts: Sequence[str], engine: str) -> list[Any]:
    starts = range(0, len(texts), BATCH)
    return [
        names
        for at in progress(starts, f"names with {engine}")
        for names in ner.entities(texts[at : at + BATCH])
    ]


def _print(report: dict[str, Any], as_json: bool, parts: Iterable[RenderableType]) -> None:
    if as_json:
        print_json(report)
        return
    for part in parts:
        out.print(part)
    for mistake in report.get("mistakes", report.get("identity", {}).get("examples", ())):
        out.print(json.dumps(mistake, ensure_ascii=False), markup=False)


def _end(unreadable: int) -> None:
    """Exit code 1 where a line could not be read."""
    if unreadable:
        err.print(f"molva: {unreadable} lines could not be read (the first {SHOWN} are named above)")
        raise typer.Exit(1)
