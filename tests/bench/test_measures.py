"""What ``molva bench pipeline`` measures with: when posts are visible, CPU and memory by stage."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from pipeline.bench.held import Held, Line, line
from pipeline.bench.phase import Inexact, require_exact
from pipeline.bench.usage import SELF, Meter
from pipeline.bench.visible import Stored, Visible, quantile_ms


class Answers:
    """ClickHouse's answers in order; ``now`` is what the clock shows when each has come."""

    def __init__(self, *answers: tuple[float, list[tuple[Any, ...]]]) -> None:
        self._answers = list(answers)
        self.now = 0.0
        self.since: list[Any] = []

    def execute(self, _query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        self.since.append(parameters.get("since"))
        self.now, rows = self._answers.pop(0)
        return rows


def published(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_a_post_is_visible_at_the_first_look_that_shows_its_offset_or_a_later_one() -> None:
    answers = Answers(
        (10.0, [(0, 4, published(5000))]),
        (11.0, [(0, 4, published(5000)), (1, 2, published(4000))]),
        (12.0, [(0, 9, published(5010)), (1, 2, published(4000))]),
        (
            0.0,
            [(0, 3, published(9.0)), (0, 5, published(10.5)), (0, 9, published(11.75)), (1, 0, published(9))],
        ),
    )
    visible = Visible(answers.execute, "bench:x", lambda: answers.now)
    for whole in (False, False, True):
        visible.look(whole)
    assert visible.seconds() == [1.0, 1.5, 0.25, 2.0]


def test_a_look_reads_on_from_the_partition_that_is_furthest_behind_and_the_last_one_reads_all() -> None:
    rows = [(0, 4, published(5000)), (1, 2, published(4000.7))]
    answers = Answers((1.0, []), (2.0, rows), (3.0, rows), (4.0, rows))
    visible = Visible(answers.execute, "bench:x", lambda: answers.now)
    for whole in (False, False, False, True):
        visible.look(whole)
    assert answers.since == [0, 0, 4000 - 600, 0]


def test_quantiles_are_milliseconds() -> None:
    assert quantile_ms([0.1, 0.2, 0.3], 0.5) == 200.0
    assert quantile_ms([], 0.99) is None


@pytest.mark.parametrize("stored", [Stored(99, 99, 5, 0), Stored(101, 100, 5, 0)])
def test_a_lost_or_doubled_post_fails_the_benchmark(stored: Stored) -> None:
    with pytest.raises(Inexact, match="100 posts were published"):
        require_exact(stored, 100)


def test_every_post_once_is_exact() -> None:
    require_exact(Stored(100, 100, 5, 0), 100)


def test_the_workers_of_a_stage_are_added_up() -> None:
    me = os.getpid()
    usage = Meter({"enrichment-1": me, "enrichment-2": me, "broker": me}).by_stage()
    assert set(usage) == {"enrichment", "broker", SELF}
    assert usage["enrichment"].peak_mib == pytest.approx(2 * usage[SELF].peak_mib)
    assert all(used.cpu_s >= 0 for used in usage.values())


def test_a_slope_is_that_of_the_last_two_thirds_per_hour() -> None:
    seconds = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    filling = [100.0, 200.0, 300.0, 301.0, 302.0, 303.0, 304.0]
    assert line(seconds, filling) == Line(first=100.0, peak=304.0, last=304.0, per_hour=360.0)
    assert line(seconds[:2], filling[:2]).per_hour is None


def test_an_open_socket_and_a_lag_are_held() -> None:
    held = Held({SELF: psutil.Process()})
    held.sample(0.0, {"molva-storage": 5})
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        held.sample(10.0, {"molva-storage": 7})
    lines = held.lines()
    assert lines["lag molva-storage"].last == 7
    assert lines[f"{SELF} sockets"].last == lines[f"{SELF} sockets"].first + 1
    assert lines[f"{SELF} descriptors"].last == lines[f"{SELF} descriptors"].first + 1
    assert lines[f"{SELF} mib"].first > 10
