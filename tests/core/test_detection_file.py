"""``molva detect``: CSV in, spike events or scores out, errors that name the line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from pipeline.core.episodes import LEAST_OPEN
from pipeline.core.windows import iso
from pipeline.detect_file import DetectFileError, run

START = 1_406_505_600  # 2014-07-28T00:00:00Z
HEADER = "object,bucket,negative,total"


def hours(counts: Iterable[tuple[int, int]], name: str = "acme") -> list[str]:
    return [f"{name},{iso(START + 3600 * n)},{a},{b}" for n, (a, b) in enumerate(counts)]


QUIET = [(1, 6), (0, 5), (2, 7)] * 16


def test_a_burst_is_an_opened_spike() -> None:
    events = [json.loads(line) for line in run([HEADER, *hours([*QUIET, (30, 36)])], "1h")]
    assert [(event["id"], event["status"]) for event in events] == [
        ("acme/1h/2014-07-30T00:00:00Z", "opened")
    ]


def test_one_score_per_row() -> None:
    scores = [float(line) for line in run(hours([*QUIET, (30, 36)]), "1h", scores=True)]
    assert len(scores) == len(QUIET) + 1
    assert scores[-1] >= 12 > max(scores[:-1])


def test_objects_may_take_turns() -> None:
    a, b = hours([*QUIET, (30, 36)]), hours([*QUIET, (1, 6)], "quiet")
    mixed = [line for pair in zip(a, b, strict=True) for line in pair]
    assert list(run(mixed, "1h")) == list(run(a, "1h"))


def test_a_spike_ends_as_late_as_in_the_stream() -> None:
    calm = [(0, 40)] * 12
    events = [json.loads(line) for line in run(hours([*QUIET, (30, 36), *calm]), "1h")]
    assert [event["status"] for event in events] == ["opened", "resolved"]
    opened, resolved = (datetime.fromisoformat(event["updated_at"]) for event in events)
    assert resolved - opened == timedelta(hours=LEAST_OPEN["1h"])


def test_missing_buckets_are_empty_buckets() -> None:
    rows = hours([*QUIET, (0, 0), (0, 0), (30, 36)])
    without = [row for row in rows if not row.endswith(",0,0")]
    assert list(run(without, "1h")) == list(run(rows, "1h"))


def test_years_of_missing_buckets_are_passed_over() -> None:
    assert list(run([*hours(QUIET), "acme,2034-01-01T00:00Z,30,30"], "5m"))


def test_a_plain_count_has_no_total_and_columns_come_in_any_order() -> None:
    rows = [f"{iso(START + 3600 * n)},{c},x" for n, c in enumerate([3, 5, 4] * 16 + [60])]
    events = [json.loads(line) for line in run(["bucket,negative,object", *rows], "1h")]
    assert [event["status"] for event in events] == ["opened"]


def test_times_without_a_zone_are_utc_and_align_down() -> None:
    rows = [f"x,2015-02-26 {n // 12:02}:{n % 12 * 5 + 2:02}:53,1,2" for n in range(24)]
    assert len(list(run(rows, "5m", scores=True))) == 24


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,2014-07-28T00:00Z,one,2"], "line 1: negative 'one' is not a number"),
        ([HEADER, "a,2014-07-28T00:00Z,1,-2"], "line 2: total -2 is not a whole number"),
        (["a,2014-07-28T00:00Z,1.5,2"], "line 1: negative 1.5 is not a whole number"),
        (["a,2014-07-28T00:00Z,nan,2"], "line 1: negative nan is not a whole number"),
        ([HEADER, "", "a,2014-07-28T00:00Z,3,2"], "line 3: negative 3 is more than total 2"),
        (["a,yesterday,1,2"], "line 1: bucket 'yesterday' is not an ISO time"),
        (["a,2014-07-28T01:00Z,1,2", "a,2014-07-28T00:00Z,1,2"], "line 2: .* lies before the last row of a"),
        (["a,2014-07-28T00:00Z,1,2", "a,2014-07-28T00:30Z,1,2"], "line 2: .* is in the same bucket as"),
        (["a,2014-07-28T00:00Z,1,2", "a,2014-07-28T01:00Z,1"], "line 2: 3 fields, expected 4"),
        (["a,2014-07-28T00:00Z"], "line 1: 2 fields, expected 3"),
        (["bucket,total"], "line 1: no column object, negative"),
        ([",2014-07-28T00:00Z,1,2"], "line 1: the object is empty"),
        (['"a,2014'], "line 1: not CSV"),
        ([], "line 1: there is no row: write rows of object,bucket,negative,total"),
        ([HEADER], "line 1: there is no row"),
        ([HEADER, "", ""], "line 3: there is no row"),
    ],
)
def test_errors_name_the_line(lines: list[str], message: str) -> None:
    with pytest.raises(DetectFileError, match=message) as error:
        list(run(lines, "1h"))
    assert error.value.line == int(message.split()[1].rstrip(":"))


def test_days_are_a_resolution() -> None:
    days = [f"firm,2026-{1 + n // 28:02}-{1 + n % 28:02},{n % 2},{3 + n % 2}" for n in range(56)]
    events = [json.loads(line) for line in run([*days, "firm,2026-03-01,14,16"], "1d")]
    assert [event["status"] for event in events] == ["opened"]


def test_the_score_of_a_plain_count_rests_after_an_opening() -> None:
    rows = [f"x,{iso(START + 3600 * n)},{c}" for n, c in enumerate([*[3, 5, 4] * 16, 60, 70, 80])]
    scores = [float(line) for line in run(rows, "1h", scores=True)]
    assert scores[-3] >= 12
    assert scores[-2:] == [0.0, 0.0]
