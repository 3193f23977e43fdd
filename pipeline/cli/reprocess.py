"""``molva reprocess``: a past period analysed again with the present models and watchlist."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.context import DataDir, err, load_settings, out, print_json, read_watchlist
from pipeline.errors import UsageError
from pipeline.settings import Settings
from schemas.base import LIVE

if TYPE_CHECKING:
    from pipeline.reprocess.analysis import Analysis
    from pipeline.reprocess.ledger import Run
    from pipeline.reprocess.making import Progress
    from pipeline.reprocess.period import Period
    from pipeline.reprocess.run import Reprocess


def reprocess(
    since: Annotated[str, typer.Option("--from", help="first day or moment, UTC unless it says else")] = "",
    until: Annotated[str, typer.Option("--to", help="day or moment after the last, exclusive")] = "",
    object_id: Annotated[
        list[str] | None,
        typer.Option("--object", help="only posts that mention this object; may be repeated"),
    ] = None,
    timeline: Annotated[str, typer.Option(help="live, or replay:<file name>")] = LIVE,
    version: Annotated[
        str, typer.Option(help="name of the new version", show_default="from the period, models, watchlist")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="count what it would do, and do nothing")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the unfinished run")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="give the unfinished run up")] = False,
    drop_old: Annotated[str, typer.Option(help="remove the rows from before this version, for good")] = "",
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> None:
    """Analyse a past period again: the models and the watchlist of today on the posts of then.

    The new rows are made beside the old ones while the pipeline runs; then whole months change places, and
    every table, rollup and view counts the new version only. Spikes stay as they were told. The old rows are
    kept in old_posts, old_mentions, ... until --drop-old. Killed, it goes on with --resume.

    Needs Kafka, and ClickHouse as molva_owner. docs/upgrading.md says how it works.

    Example: molva reprocess --from 2026-03-01 --to 2026-03-08 --dry-run
    """
    _check_asked(bool(since), bool(until), resume, abandon, bool(drop_old))
    settings = load_settings(data_dir)
    period = _asked(settings, timeline, since, until, object_id or []) if since else None
    with _opened(settings, begins=period is not None) as job:
        if abandon:
            _tell(job.abandon(), as_json)
        elif drop_old:
            _tell(job.drop_old(drop_old), as_json)
        elif period is None:
            _resume(job, settings, as_json)
        else:
            _start(job, settings, period, version, dry_run, as_json)


def _check_asked(since: bool, until: bool, *others: bool) -> None:
    if since != until or sum((since, *others)) != 1:
        raise UsageError("say what to do: --from and --to, or --resume, or --abandon, or --drop-old VERSION")


def _start(
    job: Reprocess, settings: Settings, period: Period, version: str, dry_run: bool, as_json: bool
) -> None:
    from pipeline.reprocess.period import checked_name, digest_of

    digest = digest_of(settings, period, version_of("molva"))
    name = checked_name(version or f"{period.since:%Y%m%d}-{period.until:%Y%m%d}-{digest}")
    if dry_run:
        _tell_extent(name, job.extent(period), as_json)
    else:
        _finish(job, settings, job.begin(name, period, digest), as_json)


def _resume(job: Reprocess, settings: Settings, as_json: bool) -> None:
    from pipeline.reprocess.period import digest_of

    run = job.ledger.unfinished()
    if run is None:
        job.tidy()
        out.print("no run is unfinished")
        return
    if run.step == "planned" and run.digest != digest_of(settings, run.period, version_of("molva")):
        raise UsageError(
            f"version {run.name} was begun with another watchlist, model or release: set them as they were, "
            "or run `molva reprocess --abandon`"
        )
    _finish(job, settings, run, as_json)


def _finish(job: Reprocess, settings: Settings, run: Run, as_json: bool) -> None:
    if run.step == "planned":
        err.print(f"version {run.name}: {run.posts} posts in {', '.join(map(str, run.months))}")
        job.make(run, _analysis(settings), _show)
    _tell(job.exchange(run) if run.step in ("planned", "kept") else run, as_json)


def _show(progress: Progress) -> None:
    share = progress.posts / max(1, progress.of)
    failed = f", {progress.failed} that a model could not take" if progress.failed else ""
    err.print(f"{share:4.0%}  {progress.posts} posts, {progress.mentions} mentions{failed}")


def _tell(run: Run, as_json: bool) -> None:
    if as_json:
        print_json({"version": run.name, "step": run.step, "posts": run.posts, "months": run.months})
        return
    says = {
        "replaced": "is what everybody reads now; the old rows are in old_*. When you are content: "
        f"molva reprocess --drop-old {run.name}",
        "dropped": "is what everybody reads; the old rows are gone",
        "abandoned": "was given up; nothing was replaced",
    }
    out.print(f"version {run.name} {says[run.step]}")


def _tell_extent(name: str, extent: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({"version": name, **extent})
        return
    there = ", ".join(f"{count} of {found or 'as they came'}" for found, count in extent["versions"].items())
    months = ", ".join(map(str, extent["months"]))
    out.print(
        f"would make version {name}: {extent['posts']} posts ({there}), {extent['mentions']} mentions now"
    )
    out.print(
        f"would replace the partitions {months}; writes about {extent['bytes'] / 1e6:.1f} MB beside them"
    )


def _asked(settings: Settings, timeline: str, since: str, until: str, objects: list[str]) -> Period:
    from pipeline.reprocess.period import read_period

    known = {item.id for item in read_watchlist(settings.watchlist)}
    if unknown := sorted(set(objects) - known):
        raise UsageError(
            f"--object {unknown[0]}: the watchlist has no such object; it has {', '.join(sorted(known))}"
        )
    return read_period(timeline, since, until, objects)


def _analysis(settings: Settings) -> Analysis:
    """The present models; about 2 s."""
    from pipeline.garbage import settle
    from pipeline.nlp.annotator import build_annotator
    from pipeline.reprocess.analysis import Analysis

    annotator = build_annotator(
        settings.watchlist, settings.sentiment_model, settings.sentiment_tier, settings.ner_engine
    )
    settle()
    return Analysis(annotator.annotate, annotator.watched, annotator.kinds, settings.enrichment_batch)


@contextmanager
def _opened(settings: Settings, *, begins: bool) -> Iterator[Reprocess]:
    """A job on the database; a run from before an upgrade is ended first: `molva migrate` waits for that."""
    from pipeline.reprocess.ledger import LEDGER_SINCE
    from pipeline.reprocess.run import Reprocess  # heavy: both servers' clients
    from pipeline.sink.clickhouse import connect
    from pipeline.sink.migrations import pending

    with connect(settings, database="default") as client:
        behind = pending(client, settings.clickhouse_database)
        if behind and (begins or LEDGER_SINCE in behind):
            raise UsageError(
                f"the schema is older than Molva ({', '.join(behind)}): run `molva migrate` first"
            )
        client.execute(f"USE {settings.clickhouse_database}")
        yield Reprocess(settings, client, lambda: datetime.now(UTC), err.print)
