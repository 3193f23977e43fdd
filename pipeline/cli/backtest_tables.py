"""The results of ``molva backtest`` as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from pipeline.backtest.report import ObjectReport, Report
from pipeline.backtest.sweep import Outcome
from pipeline.backtest.walk import OPEN, Fired
from pipeline.core.watchlist import Watchlist
from pipeline.core.windows import STEPS, moment

MOST_NAMED: Final = 5
"""Missed spikes that are named per combination."""


def tables(
    report: Report, outcomes: Sequence[Outcome], days: float, watched: Watchlist
) -> Iterator[RenderableType]:
    """Spikes, objects, a summary, lines for the watchlist, and the sweep if there was one."""
    if report.fired:
        yield _spikes(report)
    yield _objects(report)
    spikes = "spike" if len(report.fired) == 1 else "spikes"
    surges = sum(spike.signal == "volume" for spike in report.fired)
    of_volume = f", {surges} of them of volume," if surges else ""
    yield (
        f"[b]{len(report.fired)}[/b] {spikes}{of_volume} in {report.weeks:,.1f} object-weeks "
        f"([b]{report.per_week:.3f}[/b] per object and week), {report.hours_in_alert:,.1f} hours in alert"
    )
    if any(one.suggested is not None for one in report.objects):
        yield (
            f"[dim]used: the open_at of this run; suggested: the one that about one false alarm in {days:g} "
            "days would pass, from this past alone. True incidents in it raise the suggestion, and a short "
            "or quiet past leaves the default.[/dim]"
        )
    if lines := list(sensitivity_lines(report, watched)):
        yield escape("\n".join(("to paste into the watchlist, each under its object:", *lines)))
    if outcomes:
        yield _sweep(outcomes)


def sensitivity_lines(report: Report, watched: Watchlist) -> Iterator[str]:
    """A line of YAML per object whose suggested threshold is not the one that was used.

    Args:
        watched: what the watchlist says of the other resolutions is kept in the line.
    """
    for one in report.objects:
        if one.suggested is None or round(one.suggested, 1) == round(one.open_at, 1):
            continue
        known = dict(watched[one.name].sensitivity) if one.name in watched else {}
        known[report.resolution] = round(one.suggested, 1)
        pairs = ", ".join(f"{length}: {known[length]:g}" for length in STEPS if length in known)
        yield f"  sensitivity: {{{pairs}}}  # {one.name}"


def _spikes(report: Report) -> Table:
    table = _table(
        "what would have fired (UTC)",
        ("object", "opened", "resolved", "severity", "negative", "expected", "peak"),
        left=4,
    )
    for spike in report.fired:
        table.add_row(
            escape(spike.name),
            _when(spike.opened),
            "still open" if spike.resolved == OPEN else _when(spike.resolved),
            spike.severity if spike.signal == "negativity" else f"{spike.severity}, {spike.signal}",
            f"{spike.negatives:,} of {spike.total:,}",
            f"{spike.expected:,.1f}",
            f"{spike.peak:.1f}",
        )
    return table


def _objects(report: Report) -> Table:
    columns = ("object", "weeks", "mentions", "negative", "spikes", "weekly", "hours", "used", "suggested")
    table = _table("objects", columns)
    for one in report.objects:
        table.add_row(
            escape(one.name),
            f"{one.weeks:,.1f}",
            f"{one.mentions:,}",
            f"{one.negatives:,}",
            str(len(one.fired)),
            f"{len(one.fired) / one.weeks:.3f}",
            f"{one.hours_in_alert:,.1f}",
            f"{one.open_at:.1f}",
            _suggested(one),
        )
    return table


def _sweep(outcomes: Sequence[Outcome]) -> Table:
    names = list(outcomes[0].changes)
    columns = ("spikes", "per week", "hours open", "missed", "added", "missed are")
    table = _table("sweep, against the parameters above", (*names, *columns), left=0)
    table.columns[-1].justify, table.columns[-1].no_wrap = "left", False
    for outcome in outcomes:
        report = outcome.report
        table.add_row(
            *(f"{outcome.changes[name]:g}" for name in names),
            str(len(report.fired)),
            f"{report.per_week:.3f}",
            f"{report.hours_in_alert:,.1f}",
            str(len(outcome.missed)),
            str(len(outcome.added)),
            _named(outcome.missed),
        )
    return table


def _named(missed: Sequence[Fired]) -> str:
    first = ", ".join(f"{escape(spike.name)} {_when(spike.opened)}" for spike in missed[:MOST_NAMED])
    more = len(missed) - MOST_NAMED
    return f"{first} and {more} more" if more > 0 else first


def _suggested(one: ObjectReport) -> str:
    return "–" if one.suggested is None else f"{one.suggested:.1f}"


def _when(second: int) -> str:
    return f"{moment(second):%Y-%m-%d %H:%M}"


def _table(title: str, columns: Sequence[str], left: int = 1) -> Table:
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at < left else "right", no_wrap=True)
    return table
