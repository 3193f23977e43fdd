"""What ``molva eval`` reads before it asks a model: labelled rows, watchlist, the rows' part in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import track

from pipeline.cli.context import err, open_input, read_watchlist
from pipeline.errors import UsageError

SHOWN = 5
"""Unreadable rows that are named; the others are counted."""

Row = TypeVar("Row")


def read_rows(
    files: Sequence[Path], parse: Callable[[dict[str, Any]], list[Row]], limit: int | None = None
) -> tuple[list[tuple[str, Row]], int, int]:
    """The rows of files (of ``limit`` lines each) with their files; how many lines are unreadable.

    The last number counts readable lines without a row (mixed emotions).
    """
    from pipeline.nlp.scoring.rows import Unreadable, read

    rows: list[tuple[str, Row]] = []
    unreadable = empty = 0
    for file in files:
        with open_input(file) as stream:
            for _, found in islice(read(stream, str(file), parse), limit):
                match found:
                    case Unreadable(place, detail):
                        unreadable += 1
                        if unreadable <= SHOWN:
                            err.print(f"{place}: {detail}", markup=False)
                    case _:
                        empty += not found
                        rows += ((str(file), row) for row in found)
    return rows, unreadable, empty


def finder_of(watchlist: Path | None) -> Any:
    """Finds objects by the watchlist; None: by their names alone."""
    from pipeline.core.mentions import Matcher
    from pipeline.nlp.inflection import Inflector  # heavy: pymorphy3
    from pipeline.nlp.scoring.finding import Finder

    watched = read_watchlist(watchlist)
    if watchlist is None:
        return Finder()
    inflector = Inflector()
    return Finder(Matcher(watched, inflector.forms, inflector).find, frozenset(item.id for item in watched))


def look_up(texts: Sequence[str], model: str, data: Path, needed: bool) -> tuple[dict[str, Any], Any, Any]:
    """What is known of the rows' part in training (as a report); their groups; which of them were seen."""
    try:
        from pipeline.nlp.scoring.seen import membership  # heavy: the data

        err.print("looking for the rows in the training data")
        groups, seen = membership(texts, model, data)
    except FileNotFoundError as error:
        if needed:
            raise UsageError(f"--held-out needs the training data: {error}") from error
        from pipeline.nlp.scoring.bootstrap import by_near_duplicates

        return {"checked": False, "why": str(error)}, by_near_duplicates(texts), [False] * len(texts)
    return {"checked": True, "rows_seen": int(seen.sum()), "rows": len(texts)}, groups, seen


def progress(items: Sequence[Row], what: str) -> Iterable[Row]:
    """The items, with a bar on standard error where that is a terminal."""
    return track(items, what, console=err, transient=True, disable=not err.is_terminal)
