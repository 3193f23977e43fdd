"""``molva backfill``: an object new to the watchlist learns from posts that were collected before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipeline.cli.context import DataDir, err, out, print_json

if TYPE_CHECKING:  # heavy: the language models and the client of ClickHouse
    from pipeline.cli.backfill_input import Read
    from schemas import Baseline


def backfill(
    objects: Annotated[list[str], typer.Argument(metavar="OBJECT...", help="ids of the watchlist")],
    since: Annotated[
        str | None, typer.Option("--from", help="first day or moment (UTC); default: 28 days before --to")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="up to this day or moment, not included; default: now")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="read JSON lines or CSV of posts (.gz, .zst), - for standard input, not ClickHouse"
        ),
    ] = None,
    timeline: Annotated[
        str, typer.Option(help="whose past: live, or replay:FILE; ClickHouse's posts are those of it, too")
    ] = "live",
    watchlist: Annotated[
        Path | None, typer.Option(help="what is watched; default: MOLVA_WATCHLIST, or watchlist.yaml")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print what would be learned; publish nothing")
    ] = False,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as one JSON document")] = False,
) -> None:
    """Judge objects that are new to the watchlist at once, by what was said of them before.

    A new object is only learned from for a day (at 1d: a week). This command finds and judges its mentions in
    past posts, with the present watchlist and models, and publishes their counts to molva.baselines. The
    detector then starts with them. Nothing is alerted about the past, and no mention is stored.

    Detectors that have judged longer than their warm-up keep what they know. Posts are read from the first to
    the last that is there, whomever they name; about 2,000 a second, and those without the objects faster.

    Example: molva backfill rassvet zarya --from 2026-02-01

    Example: molva backfill rassvet --file old-posts.jsonl.gz --from 2026-02-01 --to 2026-03-01 --dry-run
    """
    from pipeline.cli.backfill_input import read, span

    now = datetime.now(UTC)
    period = span(since, until, now)
    found = read(objects, period, file, timeline, watchlist, data_dir, now, publishing=not dry_run)
    if not dry_run:
        asyncio.run(_publish(found))
    for note in found.notes:
        err.print(f"molva: {note}", markup=False)
    if as_json:
        print_json({"published": not dry_run, **_document(found)})
        return
    _show(found)
    if dry_run:
        out.print("nothing is published: a dry run")
        return
    out.print(
        f"published {len(found.baselines)} to molva.baselines; the detection worker's log, and its metric "
        "molva_baselines_total, tell which resolutions have learned"
    )


async def _publish(found: Read) -> None:
    """Send the records; detection learns them within a second.

    Raises:
        KafkaError: Kafka cannot be reached.
    """
    from pipeline.emission import outgoing
    from pipeline.producer import Producer
    from pipeline.topics import BASELINES

    async with Producer(found.settings) as producer:
        await producer.emit([outgoing(BASELINES, record) for record in found.baselines])


def _document(found: Read) -> dict[str, object]:
    from pipeline.core.baselines import outlook

    return {
        "posts": found.posts,
        "objects": [
            {
                "object": record.object_id,
                "kind": record.object_kind,
                "timeline": record.timeline,
                "mentions": _sum(record)[1],
                "negatives": _sum(record)[0],
                "bytes": len(record.model_dump_json()),
                "resolutions": [
                    {
                        "resolution": each.resolution,
                        "from": each.since.isoformat(),
                        "to": each.until.isoformat(),
                        "mentions_per_hour": round(each.per_hour, 3),
                        "share": round(each.share, 3),
                        "ready": each.ready,
                    }
                    for each in outlook(record, found.parameters(record.object_id))
                ],
            }
            for record in found.baselines
        ],
        "notes": found.notes,
    }


def _show(found: Read) -> None:
    from pipeline.core.baselines import outlook

    columns = (
        "object",
        "mentions",
        "negative",
        "at",
        "from",
        "to",
        "an hour",
        "share",
        "judged",
    )
    table = Table(*columns, box=None, header_style="bold")
    for record in found.baselines:
        negatives, mentions = _sum(record)
        first: Sequence[str] = (record.object_id, f"{mentions:,}", f"{negatives:,}")
        for each in outlook(record, found.parameters(record.object_id)):
            span = (f"{each.since:%Y-%m-%d %H:%M}", f"{each.until:%Y-%m-%d %H:%M}")
            judged = "at once" if each.ready else "after more of its warm-up"
            table.add_row(*first, each.resolution, *span, f"{each.per_hour:.2f}", f"{each.share:.0%}", judged)
            first = ("", "", "")
    out.print(f"{found.posts:,} posts read")
    out.print(table)


def _sum(record: Baseline) -> tuple[int, int]:
    """Negatives and mentions of the finest counts, which are the first."""
    buckets = record.counts[0].buckets
    return sum(negatives for _, negatives, _ in buckets), sum(mentions for _, _, mentions in buckets)
