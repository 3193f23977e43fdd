"""Charts: one self-contained page, one picture, whatever the objects are called."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.backtest.chart_html import write_html
from pipeline.backtest.counts import Period
from pipeline.backtest.panels import Panel, panels
from pipeline.backtest.report import walks
from pipeline.core.parameters import parameters
from pipeline.core.windows import DAY, HOUR
from tests.backtest.past import START, Row, counted, hours

P = parameters("1h")
NASTY = "Ромашка</script> $x_1$ {{panels}} & Ко"


def drawn(objects: dict[str, list[Row]], period: Period | None = None) -> list[Panel]:
    counts = counted(objects, period=period)
    return panels(walks(counts.series(), P, "1h", keep=True), counts.period, P)


def embedded(page: str) -> list[dict[str, Any]]:
    found = re.search(r'<script id="panels" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    document: list[dict[str, Any]] = json.loads(found[1])
    return document


def test_a_panel_has_one_value_per_bucket_and_its_interval_holds_the_expectation() -> None:
    first, second = drawn({"quiet": hours(24), "acme": hours(24, {240, 241})})
    assert (first.name, second.name) == ("acme", "quiet")  # those with most spikes first
    assert first.negatives[240] == 30 and first.totals[240] == 36
    assert all(low <= expected + 1 and expected <= high for low, expected, high in first_curves(first))
    assert first.negatives[240] > first.high[240] > first.expected[240]
    assert {len(curve) for curve in first[4:11]} == {24 * 24}


def first_curves(panel: Panel) -> list[tuple[float, float, float]]:
    return list(zip(panel.low, panel.expected, panel.high, strict=True))


def test_a_chart_begins_with_the_period() -> None:
    (panel,) = drawn({"acme": hours(24, {100, 101, 300, 301})}, Period(START + 10 * DAY, None))
    assert panel.starts[0] == START + 10 * DAY
    assert len(panel.fired) == 1


def test_the_page_needs_nothing_else_and_holds_every_value(tmp_path: Path) -> None:
    gap = [row for row in hours(30, {240, 241}) if not START + 12 * DAY <= row[0] < START + 25 * DAY]
    shown = drawn({NASTY: gap})
    write_html(tmp_path / "chart.html", "два <мира>", shown)
    page = (tmp_path / "chart.html").read_text(encoding="utf-8")
    assert "два &lt;мира&gt;" in page
    assert not re.search(r"(src|href)=|https?://|import |fetch\(", page)
    assert page.count("</script>") == 2
    (panel,) = embedded(page)
    assert panel["name"] == NASTY
    assert panel["negatives"] == shown[0].negatives
    assert panel["spikes"][0]["opened"] == shown[0].fired[0].opened
    starts, second, gaps = [], panel["first"] - panel["step"], dict(panel["gaps"])
    for at in range(len(panel["negatives"])):  # as the page's script does
        second += panel["step"] * gaps.get(at, 1)
        starts.append(second)
    assert starts == shown[0].starts
    assert gaps


def test_the_picture_shows_the_first_objects_and_says_how_many_it_left_out(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `charts` is not installed")
    from pipeline.backtest.chart_png import MOST, write_png

    one = drawn({NASTY: hours(6, {60, 61})})
    assert write_png(tmp_path / "one.png", "Ромашка", one) == 0
    assert write_png(tmp_path / "many.png", "много", one * (MOST + 3)) == 3
    small, large = (size_of(tmp_path / name) for name in ("one.png", "many.png"))
    assert small[0] == large[0] and large[1] > 5 * small[1]


def size_of(picture: Path) -> tuple[int, int]:
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def test_one_bucket_is_enough_for_a_chart(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `charts` is not installed")
    from pipeline.backtest.chart_png import write_png

    shown = drawn({"acme": [(START, 1, 2)]})
    write_html(tmp_path / "chart.html", "one", shown)
    assert write_png(tmp_path / "chart.png", "one", shown) == 0
    assert shown[0].end == START + HOUR
