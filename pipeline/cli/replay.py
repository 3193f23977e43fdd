"""``molva replay``: posts of a file into the pipeline, and what became of them."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline.cli.context import DataDir, err, load_settings, out, print_json
from pipeline.settings import Settings

STANDSTILL = timedelta(seconds=60)
REPEATED = (
    "fewer posts on this timeline than published: the others repeat an id, of this file or of one that was "
    "stored before. Each is stored once; `--source NAME` sets the ids of this file apart"
)


def replay(
    file: Annotated[Path, typer.Argument(help="JSON lines or CSV, plain, .gz or .zst; - is standard input")],
    wait: Annotated[
        bool, typer.Option("--wait", help="return when every post is in ClickHouse and judged")
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option(help="seconds of event time per second, e.g. 3600; default: as fast as possible"),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="source of rows that name none", show_default="the file's name")
    ] = None,
    timeline: Annotated[
        str | None,
        typer.Option(
            help="timeline of the posts; `live` mixes them with live ones", show_default="replay:FILE"
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the counts as JSON")] = False,
) -> None:
    """Publish the posts of a file, in order; a bad row becomes a dead letter, the others go on.

    Rows have `id`, `created_at`, `text` and any further field of a raw post; unknown fields are kept in the
    post's extras. An interrupted replay goes on where it stopped; replaying a file again changes nothing.

    Example: molva replay posts.jsonl.gz --wait --json
    """
    settings = load_settings(data_dir)
    started = time.monotonic()
    path = None if str(file) == "-" else file
    report = asyncio.run(_replay(settings, path, wait, speed, source, timeline))
    report["seconds"] = round(time.monotonic() - started, 3)
    if report.get("posts", report["published"]) < report["published"]:
        err.print(REPEATED)
    if as_json:
        print_json(report)
        return
    for name, value in report.items():
        out.print(f"{name:>14}  {value}")


async def _replay(
    settings: Settings,
    path: Path | None,
    wait: bool,
    speed: float | None,
    source: str | None,
    timeline: str | None,
) -> dict[str, Any]:
    from agents.replay.source import ReplaySource
    from agents.service import run_source

    def clock() -> datetime:
        return datetime.now(UTC)

    began, stop = clock(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    replayed = ReplaySource(path, clock=clock, source=source, timeline=timeline, speed=speed)
    with _progress() as bar:
        task = bar.add_task("published", total=None)
        totals, _ = await run_source(
            replayed,
            settings,
            clock=clock,
            stop=stop,
            on_progress=lambda totals: bar.update(
                task, total=replayed.rows, completed=totals.posts + totals.rejected
            ),
        )
        if wait and not stop.is_set():
            await _wait(settings, bar, clock)
    if stop.is_set():
        err.print("interrupted: the same command goes on from here")
        raise typer.Exit(130)
    report: dict[str, Any] = {
        "file": "stdin" if path is None else str(path),
        "timeline": replayed.timeline,
        "published": totals.posts,
        "rejected": totals.rejected,
    }
    if wait:
        report |= _stored(settings, replayed.timeline, "stdin" if path is None else path.name, began)
    return report


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:>24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not sys.stderr.isatty(),
    )


async def _wait(settings: Settings, bar: Progress, clock: Any) -> None:
    from pipeline.drain import HOPS, drain
    from pipeline.kafka import KafkaAdmin

    tasks = {hop.group: bar.add_task(hop.group.removeprefix("molva-"), total=None) for hop in HOPS}
    most: dict[str, int] = {}

    def progress(group: str, left: int) -> None:
        most[group] = max(left, most.get(group, 0))
        bar.update(tasks[group], total=most[group], completed=most[group] - left)

    async with KafkaAdmin(settings) as admin:
        await drain(admin, clock, STANDSTILL, progress)


def _stored(settings: Settings, timeline: str, name: str, began: datetime) -> dict[str, Any]:
    """What ClickHouse holds of a timeline, and the dead letters of its file or since it ``began``."""
    from pipeline.sink.clickhouse import connect

    queries = {
        "posts": "SELECT count() FROM posts WHERE timeline = %(timeline)s",
        "mentions": "SELECT count() FROM mentions WHERE timeline = %(timeline)s",
        "entities": "SELECT count() FROM entities WHERE timeline = %(timeline)s",
        "spikes": "SELECT uniqExact(id) FROM spikes WHERE timeline = %(timeline)s",
        "dead_letters": "SELECT count() FROM dead_letters "
        "WHERE startsWith(origin, %(file)s) OR failed_at > %(began)s",
    }
    with connect(settings) as client:
        parameters = {"timeline": timeline, "file": f"{name}:", "began": began}
        return {part: client.execute(query, parameters)[0][0] for part, query in queries.items()}
