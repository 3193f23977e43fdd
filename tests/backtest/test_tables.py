"""The lines that a backtest offers for the watchlist."""

from __future__ import annotations

import yaml

from pipeline.backtest.report import ObjectReport, Report
from pipeline.cli.backtest_tables import sensitivity_lines, tables
from pipeline.core.watchlist import Watchlist
from pipeline.core.watchlist_yaml import parse_watchlist
from tests.backtest.past import START

WATCHED = """\
- id: acme
  kind: brand
  name: Ромашка
  aliases: [Ромашка]
  sensitivity: {1d: 20, 1h: 15}
- id: other
  kind: brand
  name: Лютик
  aliases: [Лютик]
"""


def one(name: str, suggested: float | None, open_at: float = 12.0) -> ObjectReport:
    return ObjectReport(name, START, START + 30 * 86_400, 100, 10, (), open_at, suggested)


def report(*objects: ObjectReport) -> Report:
    return Report("1h", objects)


def test_a_line_keeps_what_the_watchlist_says_of_other_resolutions_and_can_be_pasted() -> None:
    watched = parse_watchlist(WATCHED)
    lines = list(sensitivity_lines(report(one("acme", 9.96, 15.0), one("other", 14.93)), watched))
    assert lines == ["  sensitivity: {1h: 10, 1d: 20}  # acme", "  sensitivity: {1h: 14.9}  # other"]
    pasted = parse_watchlist(WATCHED + lines[1] + "\n")
    assert pasted["other"].sensitivity == {"1h": 14.9}
    assert yaml.safe_load(lines[0])["sensitivity"] == {"1h": 10, "1d": 20}


def test_nothing_is_offered_where_nothing_would_change() -> None:
    same = report(one("acme", 12.0), one("other", None), one("third", 15.04, 15.0))
    assert list(sensitivity_lines(same, Watchlist(()))) == []
    assert not any("to paste" in str(part) for part in tables(same, [], 30.0, Watchlist(())))


def test_the_lines_are_printed() -> None:
    printed = [str(part) for part in tables(report(one("other", 14.9)), [], 30.0, Watchlist(()))]
    assert any("sensitivity: {1h: 14.9}  # other" in part for part in printed)
