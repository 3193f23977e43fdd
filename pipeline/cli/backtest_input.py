"""Reads the input of ``molva backtest``, with progress: a CSV of counts, posts, mentions, or ClickHouse."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader, TextIOWrapper
from itertools import count
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.backtest.counted_file import count_rows
from pipeline.backtest.counts import Counts, Period
from pipeline.backtest.posts import PostsFile, looks_like_posts
from pipeline.backtest.stored import count_stored, timelines
from pipeline.cli.context import err, load_settings, open_input, read_watchlist
from pipeline.core.watchlist import Watchlist
from pipeline.core.windows import bucket, iso, seconds
from pipeline.detect_file import DetectFileError
from pipeline.errors import UsageError
from pipeline.nlp.annotator import Annotator, build_annotator
from pipeline.sink.clickhouse import connect

CLICKHOUSE = "clickhouse"
PEEK_BYTES = 65_536
EVERY = 1_000
"""Rows between two steps of the progress bar."""


@dataclass(frozen=True)
class Input:
    """Where the counts of a backtest come from; the options of the command."""

    source: str
    labels: bool
    timeline: str
    watchlist: Path | None
    data_dir: Path | None

    def read(self, counts: Counts, bar: Progress) -> None:
        """Add everything to ``counts``.

        Raises:
            UsageError: the input cannot be read, a line of it is wrong, or nothing of it is counted.
        """
        with counting(bar, "rows") as on_row:
            if self.source == CLICKHOUSE:
                with connect(load_settings(self.data_dir)) as client:
                    count_stored(client, counts, self.timeline, on_row)
                    known = [] if counts else timelines(client)
                if not counts:
                    raise UsageError(self._nothing_stored(known))
                return
            with open_input(Path(self.source)) as raw:
                self._read_file(raw, counts, on_row)
        if not counts:
            raise UsageError(
                f"{self.source}: nothing to judge: no mentions of the objects in the period (with --lead)"
            )

    def _read_file(self, raw: BufferedReader, counts: Counts, on_row: Callable[[], None]) -> None:
        if self.labels or looks_like_posts(raw.peek(PEEK_BYTES)):
            posts = PostsFile(
                Path(self.source).name,
                self._load_models,
                now=datetime.now(UTC),
                labelled=self.labels,
                on_row=on_row,
            )
            posts.count(iter(lambda: raw.read1(PEEK_BYTES), b""), counts)
            return
        lines = TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        try:
            count_rows(lines, counts, on_row)
        except DetectFileError as error:
            raise UsageError(f"{self.source}: {error}") from error

    def watched(self) -> Watchlist:
        """The objects of the watchlist with their sensitivities; none where there is no watchlist.

        Raises:
            UsageError: the file has problems; each is named with its line.
        """
        return read_watchlist(self.watchlist or load_settings(running=False).watchlist)

    def _load_models(self) -> Annotator:
        settings = load_settings(running=False)
        path = self.watchlist or settings.watchlist
        if not self.watched():
            raise UsageError(
                "posts are counted per object of the watchlist: name it with --watchlist (or MOLVA_WATCHLIST)"
            )
        return build_annotator(path, settings.sentiment_model, settings.sentiment_tier, settings.ner_engine)

    def _nothing_stored(self, known: list[str]) -> str:
        there = f"there are {', '.join(known)}" if known else "no mention is stored at all"
        return (
            f"nothing is stored of the objects and the period on timeline {self.timeline!r} ({there}); "
            "choose with --timeline, --object, --from and --to"
        )


def period(since: str | None, until: str | None, lead: int, step: int) -> Period:
    """The options ``--from``, ``--to`` and ``--lead``, down to whole buckets of ``step`` seconds.

    Raises:
        UsageError: no moment, or the end is not after the beginning.
    """
    first = None if since is None else bucket(_second("--from", since), step)
    last = None if until is None else bucket(_second("--to", until), step)
    if first is not None and last is not None and last <= first:
        raise UsageError(f"--to {iso(last)} is not after --from {iso(first)}")
    return Period(first, last, lead)


def progress() -> Progress:
    """A bar on standard error; silent where that is no terminal."""
    return Progress(
        TextColumn("{task.description:>24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def counting(bar: Progress, what: str) -> Iterator[Callable[[], None]]:
    """A step of the bar that counts without knowing how many there will be."""
    task, ticks = bar.add_task(what, total=None), count(1)

    def tick() -> None:
        if next(ticks) % EVERY == 0:
            bar.advance(task, EVERY)

    yield tick
    bar.update(task, visible=False)


def _second(option: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no day or moment such as 2014-07-28 or 2014-07-28T20:00Z"
        ) from None
