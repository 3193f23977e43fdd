"""What ``molva bench pipeline`` measures with: when posts are visible, CPU and memory by stage."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.bench.phase import Inexact, require_exact
from pipeline.bench.usage import SELF, Meter
from pipeline.bench.visible import Stored, Visible, quantile_ms


class Answers:
    """ClickHouse's answers in order; ``now`` is what the clock shows when each has come."""

    def __init__(self, *answers: tuple[float, list[tuple[Any, ...]]]) -> None:
        self._answers = list(answers)
        self.now = 0.0

    def execute(self, _query: str, _parameters: dict[str, str]) -> list[tuple[Any, ...]]:
        self.now, rows = self._answers.pop(0)
        return rows


def published(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_a_post_is_visible_at_the_first_look_that_shows_its_offset_or_a_later_one() -> None:
    answers = Answers(
        (10.0, [(0, 4, 5)]),
        (11.0, [(0, 4, 5), (1, 2, 3)]),
        (12.0, [(0, 9, 10), (1, 2, 3)]),
        (
            0.0,
            [(0, 3, published(9.0)), (0, 5, published(10.5)), (0, 9, published(11.75)), (1, 0, published(9))],
        ),
    )
    visible = Visible(answers.execute, "bench:x", lambda: answers.now)
    assert [visible.look() for _ in range(3)] == [5, 8, 13]
    assert visible.seconds() == [1.0, 1.5, 0.25, 2.0]


def test_quantiles_are_milliseconds() -> None:
    assert quantile_ms([0.1, 0.2, 0.3], 0.5) == 200.0
    assert quantile_ms([], 0.99) == 0.0


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
