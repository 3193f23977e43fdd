"""What would have fired: the same spikes as detection's, bounded by the period, added up honestly."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from pipeline.backtest.counted_file import count_rows
from pipeline.backtest.counts import Counts, Period
from pipeline.backtest.report import Report, report, walks
from pipeline.backtest.sweep import changed
from pipeline.backtest.walk import OPEN, walk
from pipeline.core.detection import PartitionDetector
from pipeline.core.parameters import parameters
from pipeline.core.series import ObjectSeries
from pipeline.core.severity import RANKS
from pipeline.core.windows import DAY, HOUR, iso, moment, seconds
from schemas import Spike
from schemas.spike import Resolution
from tests.backtest.past import START, Row, counted, hours
from tests.core.detection_log import mention, watermark

P = parameters("1h")


def reported(counts: Counts, per_days: float | None = 30.0) -> Report:
    return report(counts, P, per_days, walks(counts.series(), P, "1h"))


def random_rows(seed: int, days: int) -> list[Row]:
    rng = random.Random(seed)
    rows = []
    for hour in range(24 * days):
        rate = 4.0 if hour % 97 in (50, 51) else 0.2
        negative = sum(rng.random() < rate / 40 for _ in range(200))
        rows.append((START + HOUR * hour, negative, negative + rng.randrange(8)))
    return rows


def live_spikes(rows: list[Row]) -> list[tuple[str, str, int, int]]:
    """What the stream's operator tells of as many mentions: signal, highest severity, opened, resolved."""
    stream = PartitionDetector(0, "c1", source_idle=timedelta(minutes=10))
    events: list[Spike] = []
    offset = 0
    for second, negative, total in rows:
        minute = (second - START) / 60
        for number in range(total):
            offset += 1
            label = "negative" if number < negative else "neutral"
            stream.absorb(mention(minute + 60 * number / total, offset, label=label))
        offset += 1
        events += stream.advance(watermark(minute + 60, offset), moment(second))
    spikes: dict[str, tuple[str, str, int, int]] = {}
    for event in events:
        if event.resolution == "1h":
            before = spikes.get(event.id, ("", "info", 0, 0))[1]
            severity = max(before, event.severity, key=RANKS.index)
            ended = OPEN if event.resolved_at is None else seconds(event.resolved_at)
            spikes[event.id] = (event.signal, severity, seconds(event.opened_at), ended)
    return list(spikes.values())


@pytest.mark.parametrize("seed", range(3))
def test_the_spikes_are_those_of_live_detection(seed: int) -> None:
    rows = random_rows(seed, 20)
    (past,) = [walk(one, P, "1h") for one in counted({"acme": rows}).series()]
    found = [(spike.signal, spike.severity, spike.opened, spike.resolved) for spike in past.fired]
    assert found == live_spikes(rows)
    assert found


def test_a_plain_count_is_judged_as_molva_detect_judges_it() -> None:
    rows = random_rows(5, 30)
    series = ObjectSeries("acme", "1h", counts=True)
    live = [event for second, count, _ in rows for event in series.judge(second, count, count)[1]]
    counts = Counts("1h", Period())
    lines = [f"acme,{iso(second)},{count}\n" for second, count, _ in rows]
    count_rows(lines, counts, lambda: None)
    p = changed("1h", {}, plain=counts.plain)
    found = report(counts, p, 30.0, walks(counts.series(), p, "1h"))
    opened = [seconds(event.opened_at) for event in live if event.status == "opened"]
    assert [spike.opened for spike in found.fired] == opened
    assert opened
    assert found.objects[0].suggested is None


def test_a_burst_is_one_spike_with_its_counts() -> None:
    found = reported(counted({"acme": hours(24, {240, 241}), "quiet": hours(24)}))
    (spike,) = found.fired
    assert (spike.name, spike.opened) == ("acme", START + 241 * HOUR)
    assert spike.negatives >= 60 > 5 * spike.expected
    assert spike.opened < spike.resolved < START + 252 * HOUR
    assert found.weeks == pytest.approx(2 * 24 / 7)
    assert found.per_week == pytest.approx(7 / 48)
    assert found.hours_in_alert == (spike.resolved - spike.opened) / HOUR


def test_a_spike_at_the_end_is_still_open_and_counted_to_the_end() -> None:
    found = reported(counted({"acme": hours(20, {477, 478, 479})}))
    (spike,) = found.fired
    assert spike.resolved == OPEN
    assert found.hours_in_alert == (START + 20 * DAY - spike.opened) / HOUR
    assert found.as_json()["spikes"][0]["resolved_at"] is None


def test_what_is_before_the_period_teaches_but_is_not_reported() -> None:
    rows = hours(24, {100, 101, 300, 301})
    both = reported(counted({"acme": rows}))
    later = reported(counted({"acme": rows}, period=Period(START + 200 * HOUR, None, 28)))
    assert [spike.opened for spike in later.fired] == [both.fired[1].opened]
    assert later.weeks == pytest.approx((24 * 24 - 200) / 24 / 7)
    (one,) = later.objects
    assert one.mentions == sum(total for second, _, total in rows if second >= START + 200 * HOUR)
    without = reported(counted({"acme": rows}, period=Period(START + 300 * HOUR, None, 0)))
    assert not without.fired  # the first day of an object only learns


def test_an_object_that_is_silent_in_the_period_has_no_spikes_but_weeks() -> None:
    period = Period(START + 10 * DAY, None, 28)
    found = reported(counted({"acme": hours(20), "gone": hours(5)}, period=period))
    gone = next(one for one in found.objects if one.name == "gone")
    assert (gone.mentions, gone.fired) == (0, ())
    assert gone.weeks == pytest.approx(10 / 7)


def test_years_of_silence_are_passed_over() -> None:
    rows = [*hours(3), (START + 9 * 365 * DAY, 1, 2)]
    (past,) = [walk(one, P, "1h", keep=True) for one in counted({"acme": rows}).series()]
    assert len(past.scores) == 9 * 365 * 24 + 1
    assert len(past.judged) < 24 * 15


def test_a_threshold_is_suggested_where_the_past_is_long_enough() -> None:
    counts = counted({"acme": random_rows(7, 60)})
    (monthly,), (yearly,) = reported(counts).objects, reported(counts, per_days=365).objects
    assert 8.0 <= (monthly.suggested or 0.0) <= (yearly.suggested or 0.0) <= 50.0
    assert reported(counted({"acme": hours(10)})).objects[0].suggested is None


def test_an_object_is_judged_by_its_own_threshold() -> None:
    counts = counted({"acme": hours(24, {240, 241}), "deaf": hours(24, {240, 241})})
    gentle = [
        (second, 9 if hour == 240 else negative, 40) for hour, (second, negative, _) in enumerate(hours(24))
    ]
    for row in gentle:
        counts.add("gentle", *row)
    found = report(counts, P, None, walks(counts.series(), P, "1h", open_at={"deaf": 50.0, "gentle": 8.0}))
    assert {one.name: one.open_at for one in found.objects} == {"acme": 12.0, "deaf": 50.0, "gentle": 8.0}
    assert "acme" in {spike.name for spike in found.fired}
    assert [one["open_at"] for one in found.as_json()["objects"]] == [12.0, 50.0, 8.0]
    opened = {spike.name: spike.opened for spike in found.fired}
    assert opened.get("deaf", opened["acme"] + HOUR) > opened["acme"]


@pytest.mark.parametrize("resolution", ["5m", "1d"])
def test_every_resolution_is_judged(resolution: Resolution) -> None:
    rows = hours(60, range(40 * 24, 42 * 24))
    counts = counted({"acme": rows}, resolution)
    p = parameters(resolution)
    found = report(counts, p, None, walks(counts.series(), p, resolution))
    assert found.objects[0].mentions == sum(total for _, _, total in rows)
    if resolution == "1d":
        assert [spike.opened for spike in found.fired] == [START + 41 * DAY]
