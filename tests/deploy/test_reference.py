"""The reference pages are what the code says."""

from __future__ import annotations

from pathlib import Path

from pipeline.reference import metrics_page, settings_page

DOCS = Path(__file__).parents[2] / "docs"
CURE = "run: .venv/bin/python -m pipeline.reference docs"


def test_the_pages_are_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == settings_page(), CURE
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == metrics_page(), CURE


def test_every_setting_and_metric_is_explained() -> None:
    for page in (settings_page(), metrics_page()):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert rows
        assert [row for row in rows if row.rstrip("| ").count("|") < 3] == []
