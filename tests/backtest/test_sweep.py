"""Sweeps: what is tried, what is refused, what is missed against the run itself."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.backtest.report import report, walks
from pipeline.backtest.sweep import MOST, changed, parse_changes, parse_sweeps, sweep
from pipeline.core.parameters import parameters
from pipeline.core.windows import HOUR, iso
from pipeline.errors import UsageError
from tests.backtest.past import START, counted, hours

P = parameters("1h")


def test_ranges_include_their_ends_and_lists_combine() -> None:
    combinations = parse_sweeps(["open_at=8:20:2", "least_negatives=3,5,8"], "1h")
    assert len(combinations) == 7 * 3
    assert combinations[0] == {"open_at": 8, "least_negatives": 3}
    assert combinations[-1] == {"open_at": 20, "least_negatives": 8}
    assert [one["raised"] for one in parse_sweeps(["raised=0.1:0.3:0.1"], "1h")] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["open_at"], "NAME=FROM:TO:STEP"),
        (["open_at=8:20"], "NAME=FROM:TO:STEP"),
        (["open_at=20:8:2"], "NAME=FROM:TO:STEP"),
        (["open_at=8:20:0"], "NAME=FROM:TO:STEP"),
        (["open_at=eight"], "NAME=FROM:TO:STEP"),
        (["open_at=nan"], "NAME=FROM:TO:STEP"),
        (["open_at=1:inf:1"], "NAME=FROM:TO:STEP"),
        (["threshold=8,9"], "no parameter 'threshold'; there are"),
        (["step=300"], "no parameter 'step'"),
        (["least_negatives=2.5"], "least_negatives is a whole number"),
        (["open_at=-1,2"], "cannot be negative"),
        (["open_at=8", "open_at=9"], "once"),
        (["open_at=1:1000:1"], f"the limit is {MOST}"),
    ],
)
def test_a_senseless_sweep_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_sweeps(texts, "1h")


def test_single_changes_are_read_alike() -> None:
    assert parse_changes(["open_at=15", "raised=.5"]) == {"open_at": 15, "raised": 0.5}
    assert changed("1h", {"open_at": 15}).open_at == 15
    for wrong in ("open_at", "open_at=8,9", "open_at=x"):
        with pytest.raises(UsageError, match="NAME=VALUE"):
            parse_changes([wrong])


def test_objects_keep_their_thresholds_unless_the_combination_names_one() -> None:
    counts = counted({"acme": hours(24, {240, 241})})
    series, own = counts.series(), {"acme": 49.0}
    base = report(counts, P, None, walks(series, P, "1h", open_at=own))
    tried: list[dict[str, float]] = [{"hold": 3}, {"open_at": 12}]
    kept, named = sweep(counts, series, tried, base, lambda: None, open_at=own)
    assert [one.report.objects[0].open_at for one in (kept, named)] == [49.0, 12.0]


def test_what_a_deaf_detector_misses_and_an_alert_one_adds() -> None:
    steep = hours(24, {240, 241})
    gentle: Any = [
        (second, 9 if n in (300, 301) else negative, 12 if n in (300, 301) else total)
        for n, (second, negative, total) in enumerate(hours(24))
    ]
    counts = counted({"steep": steep, "gentle": gentle})
    series = counts.series()
    default = report(counts, P, None, walks(series, P, "1h"))
    ticks: list[None] = []
    combinations = parse_sweeps(["least_negatives=5,40,10000"], "1h")
    outcomes = list(sweep(counts, series, combinations, default, lambda: ticks.append(None)))
    same, deafer, deaf = outcomes
    assert len(ticks) == 3 * len(series)
    assert (same.missed, same.added) == ([], [])
    assert {spike.name for spike in deafer.missed} == {"gentle"}
    assert {spike.signal for spike in deaf.report.fired} <= {"volume"}  # counts are not its threshold
    assert deaf.missed == [spike for spike in default.fired if spike.signal == "negativity"]
    again = next(sweep(counts, series, [{"least_negatives": 5}], deaf.report, lambda: None))
    assert {spike.name for spike in again.added} == {"gentle", "steep"}
    assert again.as_json()["added"][0] == {"object": "steep", "opened_at": iso(START + 241 * HOUR)}


def test_a_sweep_keeps_the_changes_of_the_run() -> None:
    counts = counted({"acme": hours(12, {240, 241})})
    series, base = counts.series(), {"least_negatives": 1000}
    run = report(counts, P, None, walks(series, P, "1h"))
    (outcome,) = sweep(counts, series, [{"open_at": 8}], run, lambda: None, base)
    assert {spike.signal for spike in outcome.report.fired} <= {"volume"}
