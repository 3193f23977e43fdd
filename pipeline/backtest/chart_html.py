"""Panels as one HTML page that works offline: hover tells the numbers, dragging zooms all objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pipeline.backtest.panels import Panel

TEMPLATE: Final = "chart.html"


def write_html(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """Write the page: the template with the panels inside as JSON.

    Raises:
        OSError: the file cannot be written.
    """
    template = (files("pipeline.backtest") / TEMPLATE).read_text(encoding="utf-8")
    document = json.dumps([_document(panel) for panel in panels], ensure_ascii=False, separators=(",", ":"))
    inside = document.replace("<", "\\u003c")  # no object's name can end the script
    head, _, rest = template.partition("{{panels}}")
    path.write_text(head.replace("{{title}}", escape(title)) + inside + rest, encoding="utf-8")


def _document(panel: Panel) -> dict[str, Any]:
    """A panel as the page's script reads it; ``starts`` as steps from the first, runs of ones left out."""
    first = panel.starts[0]
    return {
        "name": panel.name,
        "first": first,
        "step": panel.step,
        "end": panel.end,
        "openAt": panel.open_at,
        "gaps": [
            [at, (later - earlier) // panel.step]
            for at, (earlier, later) in enumerate(zip(panel.starts, panel.starts[1:], strict=False), 1)
            if later - earlier != panel.step
        ],
        "negatives": panel.negatives,
        "totals": panel.totals,
        "expected": _rounded(panel.expected),
        "low": _rounded(panel.low),
        "high": _rounded(panel.high),
        "scores": _rounded(panel.scores),
        "spikes": [
            {
                "opened": spike.opened,
                "ended": spike.ends(panel.end),
                "negatives": spike.negatives,
                "expected": round(spike.expected, 1),
                "peak": round(spike.peak, 1),
            }
            for spike in panel.fired
        ],
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]
