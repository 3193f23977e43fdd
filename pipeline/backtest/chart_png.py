"""Panels as a PNG, for a report or a chat; needs matplotlib (the extra ``charts``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib.dates as dates
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.backtest.panels import Panel

MOST: Final = 12
"""Objects on one picture; more would not be legible."""
WIDTH_IN: Final = 14.0
HEIGHT_IN: Final = 3.4
DPI: Final = 110
NEGATIVE, EXPECTED, TOTAL, SCORE, SPIKE = "#c0392b", "#2c6fbb", "#9aa0a6", "#5b3fa0", "#f5b7a8"


def write_png(path: Path, title: str, panels: Sequence[Panel]) -> int:
    """Draw the first `MOST` panels one below the other; how many were left out.

    Raises:
        OSError: the file cannot be written.
    """
    shown = panels[:MOST]
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * len(shown) + 0.6), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, x=0.01, ha="left", parse_math=False)
    span = (_moment(min(panel.starts[0] for panel in shown)), _moment(max(panel.end for panel in shown)))
    grid = figure.add_gridspec(2 * len(shown), 1, height_ratios=[3, 1] * len(shown))
    for at, panel in enumerate(shown):
        counts = figure.add_subplot(grid[2 * at])
        score = figure.add_subplot(grid[2 * at + 1], sharex=counts)
        counts.set_xlim(*span)
        _draw_counts(counts, panel)
        _draw_score(score, panel)
        counts.tick_params(labelbottom=False)
    figure.savefig(path, format="png")
    return len(panels) - len(shown)


def _draw_counts(axes: Any, panel: Panel) -> None:
    times = _times(panel)
    high = np.asarray(panel.high)
    axes.fill_between(
        times, panel.low, high, step="post", color=EXPECTED, alpha=0.18, linewidth=0, label="expected, 95 %"
    )
    axes.plot(times, panel.expected, color=EXPECTED, linewidth=0.9, drawstyle="steps-post", label="expected")
    axes.plot(times, panel.totals, color=TOTAL, linewidth=0.6, drawstyle="steps-post", label="all mentions")
    axes.plot(
        times,
        panel.negatives,
        color=NEGATIVE,
        linewidth=0.9,
        drawstyle="steps-post",
        label="negative mentions",
    )
    highest = max(1.0, max(panel.negatives), float(np.quantile(high, 0.995)))
    axes.set_ylim(0, highest * 1.15)  # all mentions may leave the picture: the negatives are what it is about
    spikes = "1 spike" if len(panel.fired) == 1 else f"{len(panel.fired)} spikes"
    axes.set_title(f"{panel.name}: {spikes}", loc="left", fontsize=10, fontweight="bold", parse_math=False)
    axes.legend(loc="upper right", fontsize=7, ncols=4, frameon=False)
    axes.grid(axis="y", alpha=0.25)
    _shade(axes, panel)


def _draw_score(axes: Any, panel: Panel) -> None:
    axes.plot(_times(panel), panel.scores, color=SCORE, linewidth=0.9, drawstyle="steps-post")
    axes.axhline(panel.open_at, color=SCORE, linewidth=0.7, linestyle="--")
    axes.set_ylim(0, max(panel.open_at, *panel.scores) * 1.1)
    axes.set_ylabel("score", fontsize=8)
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.tick_params(labelsize=8)
    _shade(axes, panel)


def _shade(axes: Any, panel: Panel) -> None:
    for spike in panel.fired:
        span = (_moment(spike.opened), _moment(spike.ends(panel.end)))
        axes.axvspan(*span, color=SPIKE, alpha=0.45, linewidth=0)


def _moment(second: int) -> Any:
    return np.datetime64(second, "s")


def _times(panel: Panel) -> Any:
    return np.asarray(panel.starts, dtype="datetime64[s]")
