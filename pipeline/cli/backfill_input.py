"""Reads the past of objects for ``molva backfill``, with progress: posts of a file or of ClickHouse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.progress import Progress

from pipeline.backtest.annotated import Annotated
from pipeline.backtest.counts import LEAD_DAYS, Counts, Period, Series
from pipeline.backtest.posts import PostsFile
from pipeline.backtest.stored import timelines
from pipeline.backtest.stored_posts import how_many, stored_posts
from pipeline.cli.backtest_input import PEEK_BYTES, counting, progress
from pipeline.cli.backtest_input import period as parsed
from pipeline.cli.context import load_settings, open_input, read_watchlist
from pipeline.core.baselines import baseline
from pipeline.core.detection import PARAMETERS
from pipeline.core.parameters import Parameters
from pipeline.core.watchlist import Watchlist
from pipeline.core.windows import DAY, MINUTES_5, bucket, iso, seconds
from pipeline.errors import UsageError
from pipeline.nlp.annotator import Annotator, build_annotator
from pipeline.settings import Settings
from pipeline.sink.clickhouse import connect
from pipeline.worker import require_topics
from schemas import Baseline
from schemas.spike import Resolution


@dataclass(frozen=True)
class Read:
    """What was read, as records to publish."""

    settings: Settings
    baselines: list[Baseline]
    posts: int
    """Posts of the period, whomever they name."""
    notes: list[str]
    sensitivity: Mapping[tuple[str, Resolution], float]

    def parameters(self, object_id: str) -> dict[Resolution, Parameters]:
        """How the object is judged."""
        return {
            name: replace(p, open_at=self.sensitivity.get((object_id, name), p.open_at))
            for name, p in PARAMETERS.items()
        }


def span(since: str | None, until: str | None, now: datetime) -> tuple[int, int]:
    """The options ``--from`` and ``--to``, in seconds since 1970, down to whole buckets of 5 minutes.

    Raises:
        UsageError: no moment, an end that is not after the beginning, or one in the future.
    """
    latest = bucket(seconds(now), MINUTES_5)
    asked = parsed(since, until, 0, MINUTES_5)
    last = latest if asked.until is None else asked.until
    first = last - LEAD_DAYS * DAY if asked.since is None else asked.since
    if last > latest:
        raise UsageError(f"--to {iso(last)} is in the future: only what is over can be learned")
    if first >= last:
        raise UsageError(f"--from {iso(first)} is not before --to {iso(last)}")
    return first, last


def read(
    objects: Sequence[str],
    period: tuple[int, int],
    file: Path | None,
    timeline: str,
    watchlist: Path | None,
    data_dir: Path | None,
    now: datetime,
    *,
    publishing: bool,
) -> Read:
    """Find and judge the objects' mentions, and count them.

    Args:
        publishing: see first that Kafka is there, with its topics.

    Raises:
        UsageError: no such object, no posts in the period, an object that no post names, a broken line.
        Unavailable, KafkaError, clickhouse_driver.errors.Error: a server is not there.
    """
    settings = load_settings(data_dir, running=publishing or file is None)
    path = watchlist or settings.watchlist
    watched = read_watchlist(path)
    _require_known(objects, watched, path)
    if publishing:
        asyncio.run(require_topics(settings))

    def load() -> Annotator:
        return build_annotator(path, settings.sentiment_model, settings.sentiment_tier, settings.ner_engine)

    counts = Counts("5m", Period(*period, lead=0), objects)
    with progress() as bar:
        if file is None:
            annotated = _read_stored(settings, counts, timeline, Annotated(load), bar)
        else:
            annotated = _read_file(file, counts, load, now, bar)
    if annotated.first is None or annotated.last is None:
        raise UsageError(
            f"{file}: no post is dated from {iso(period[0])} to {iso(period[1])}: set --from and --to"
        )
    first, last = (bucket(seconds(date), MINUTES_5) for date in (annotated.first, annotated.last))
    kinds = {item.id: item.kind for item in watched}
    found = [
        baseline(each.name, kinds[each.name], timeline, _cells(each), first, last + MINUTES_5, now)
        for each in _each(objects, counts, annotated.posts)
    ]
    return Read(settings, found, annotated.posts, counts.notes, watched.sensitivity())


def _require_known(objects: Sequence[str], watched: Watchlist, path: Path | None) -> None:
    if path is None:
        raise UsageError("nothing is watched: name the watchlist with --watchlist (or MOLVA_WATCHLIST)")
    known = [item.id for item in watched]
    if missing := [name for name in objects if name not in known]:
        raise UsageError(f"{path} has no object {', '.join(missing)}; it has {', '.join(known)}")


def _read_stored(
    settings: Settings, counts: Counts, timeline: str, annotated: Annotated, bar: Progress
) -> Annotated:
    period = counts.period
    first, until = period.first, period.until or 0
    with connect(settings) as client:
        posts = how_many(client, timeline, first, until)
        if not posts:
            known = ", ".join(timelines(client)) or "none"
            raise UsageError(
                f"no post is stored from {iso(first)} to {iso(until)} on {timeline!r} (timelines with "
                f"mentions: {known}): set --from, --to or --timeline, or read a file with --file"
            )
        task = bar.add_task("posts", total=posts)
        for block in stored_posts(client, timeline, first, until):
            annotated.count(block, counts)
            bar.advance(task, len(block))
    return annotated


def _read_file(
    file: Path, counts: Counts, load: Callable[[], Annotator], now: datetime, bar: Progress
) -> Annotated:
    with counting(bar, "rows") as on_row, open_input(file) as raw:
        posts = PostsFile(file.name, load, now=now, labelled=False, on_row=on_row)
        posts.count(iter(lambda: raw.read1(PEEK_BYTES), b""), counts)
    return posts.annotated


def _each(objects: Sequence[str], counts: Counts, posts: int) -> list[Series]:
    """The counts of each object, in the order in which they were named.

    Raises:
        UsageError: an object is not mentioned at all. That teaches nothing: perhaps such posts were not
            collected then.
    """
    series = {each.name: each for each in counts.series()}
    names = list(dict.fromkeys(objects))
    if silent := [name for name in names if name not in series]:
        raise UsageError(
            f"none of {posts:,} posts in the period mentions {', '.join(silent)}: nothing to learn from. "
            "Were such posts collected then? `molva annotate` tells whom a text mentions"
        )
    return [series[name] for name in names]


def _cells(series: Series) -> dict[int, tuple[int, int]]:
    return {start: (negatives, mentions) for start, negatives, mentions in series.buckets}
