"""``molva backtest``: what would have fired in the past, on a file or on what ClickHouse holds."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import Progress

from pipeline.cli.context import DataDir, err, out, print_json
from pipeline.errors import UsageError

if TYPE_CHECKING:  # heavy: the language models and the client of ClickHouse
    from pipeline.backtest.counts import Counts, Series
    from pipeline.backtest.panels import Panel
    from pipeline.backtest.report import Report
    from pipeline.backtest.sweep import Outcome
    from pipeline.core.watchlist import Watchlist

PANEL_KINDS = (".html", ".png")


def backtest(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|clickhouse",
            help="CSV of counts (object,bucket,negative,total), JSON lines of posts or mentions (.gz, .zst), "
            "- for standard input, or the word clickhouse",
        ),
    ],
    since: Annotated[
        str | None, typer.Option("--from", help="report from this day or moment (UTC) on; default: all")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="up to this day or moment, which is not included")
    ] = None,
    objects: Annotated[
        list[str] | None, typer.Option("--object", help="only this object; may be repeated")
    ] = None,
    resolution: Annotated[
        Literal["5m", "1h", "1d"], typer.Option(help="the width of a bucket; shorter ones are added up")
    ] = "1h",
    chart: Annotated[
        Path | None,
        typer.Option(help="draw counts, expectation and spikes: .html (interactive, offline) or .png"),
    ] = None,
    sweeps: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep",
            metavar="NAME=VALUES",
            help="try a parameter: open_at=8:20:2 or least_negatives=3,5,8; repeated: every combination",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="change a parameter of the run itself: open_at=15"),
    ] = None,
    per_days: Annotated[
        float, typer.Option(min=0.1, help="suggest the sensitivity of one false alarm in so many days")
    ] = 30.0,
    lead: Annotated[
        int, typer.Option(min=0, help="days before --from that are learned from, but not reported")
    ] = 28,
    labels: Annotated[
        bool, typer.Option("--labels", help='believe rows\' "targets": {object: label}; no language models')
    ] = False,
    timeline: Annotated[str, typer.Option(help="of ClickHouse: live, or replay:FILE")] = "live",
    watchlist: Annotated[
        Path | None, typer.Option(help="whose sensitivities hold; posts need one (or MOLVA_WATCHLIST)")
    ] = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="print everything as one JSON document")] = False,
) -> None:
    """Show what would have fired: every spike of a past period, how often, for how long, and how sensitive
    each object should be.

    Counts are judged at about 18,000 buckets a second (40 objects, a year of hours: 20 seconds). Posts
    are read by the language models first, as `molva annotate` does; own posts are left out.

    The table tells, per spike, the negative mentions of all mentions, and how many negative ones were
    expected given the volume; per object the `open_at` that was used (12, or its `sensitivity` in the
    watchlist; higher is less sensitive), a suggested one, and the line for the watchlist. `--set open_at=15`
    tries a threshold for all objects, `--sweep` many at once; docs/backtest.md has more.

    Example: molva backtest counts.csv --from 2014-08-01 --chart spikes.html --sweep open_at=8:20:2

    Example: molva backtest clickhouse --object sberbank --resolution 5m --from 2026-03-01 --json | jq .spikes
    """
    from pipeline.backtest.counts import Counts
    from pipeline.backtest.panels import panels
    from pipeline.backtest.report import report, walks
    from pipeline.backtest.sweep import changed, parse_changes, parse_sweeps
    from pipeline.cli.backtest_input import Input, period, progress
    from pipeline.cli.backtest_tables import tables

    _check_chart(chart)
    combinations = parse_sweeps(sweeps, resolution) if sweeps else []
    chosen = parse_changes(changes or ())
    counts = Counts(resolution, period(since, until, lead, changed(resolution, chosen).step), objects or ())
    with progress() as bar:
        given = Input(source, labels, timeline, watchlist, data_dir)
        watched = given.watched()
        counts.kinds.update((one.id, one.kind) for one in watched.objects)
        given.read(counts, bar)
        series, p = counts.series(), changed(resolution, chosen, plain=counts.plain)
        open_at = _thresholds(counts, watched, chosen)
        judging = walks(series, p, resolution, open_at=open_at, keep=chart is not None)
        pasts = list(bar.track(judging, len(series), description="objects judged"))
        found = report(counts, p, per_days, pasts)
        outcomes = _sweep(counts, series, combinations, chosen, open_at, found, bar)
    if chart is not None:
        _draw(chart, f"{Path(source).name}, {resolution}", panels(pasts, counts.period, p))
    for note in counts.notes:
        err.print(f"molva: {note}")
    if as_json:
        swept = {"sweep": [outcome.as_json() for outcome in outcomes]} if outcomes else {}
        print_json({**found.as_json(), **swept, "notes": counts.notes})
        return
    for part in tables(found, outcomes, per_days, watched):
        out.print(part)


def _thresholds(counts: Counts, watched: Watchlist, chosen: dict[str, float]) -> dict[str, float]:
    """The objects' own thresholds; none where one is chosen for all, and of plain counts, which learn it."""
    if counts.plain or "open_at" in chosen:
        return {}
    own = watched.sensitivity().items()
    return {name: open_at for (name, resolution), open_at in own if resolution == counts.resolution}


def _sweep(
    counts: Counts,
    series: list[Series],
    combinations: list[dict[str, float]],
    chosen: dict[str, float],
    open_at: dict[str, float],
    found: Report,
    bar: Progress,
) -> list[Outcome]:
    from pipeline.backtest.sweep import sweep

    if not combinations:
        return []
    task = bar.add_task("combinations x objects", total=len(combinations) * len(series))
    return list(sweep(counts, series, combinations, found, lambda: bar.advance(task), chosen, open_at))


def _check_chart(chart: Path | None) -> None:
    """Say what is wrong with ``--chart`` before the long work."""
    if chart is None:
        return
    if chart.suffix.lower() not in PANEL_KINDS:
        raise UsageError(f"--chart {chart}: name a file that ends in .html or .png")
    if not chart.absolute().parent.is_dir():
        raise UsageError(f"--chart {chart}: there is no folder {chart.parent}")
    if chart.suffix.lower() == ".png" and find_spec("matplotlib") is None:
        raise UsageError(
            "a PNG needs matplotlib, which is not installed: pip install 'molva[charts]' "
            "(or take --chart NAME.html, which needs nothing)"
        )


def _draw(chart: Path, title: str, panels: list[Panel]) -> None:
    if chart.suffix.lower() == ".html":
        from pipeline.backtest.chart_html import write_html

        write_html(chart, title, panels)
        left_out = 0
    else:
        from pipeline.backtest.chart_png import write_png  # heavy: matplotlib

        left_out = write_png(chart, title, panels)
    err.print(f"molva: drew {len(panels) - left_out} objects into {chart}")
    if left_out:
        err.print(f"molva: {left_out} objects with fewer spikes did not fit: use --object, or .html")
