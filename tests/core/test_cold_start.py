"""An object's first state: what its kind says, and what its past says."""

from __future__ import annotations

from typing import get_args

import pytest

from pipeline.core.cold_start import backfilled, expected_of
from pipeline.core.expectation import expect
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State
from pipeline.core.spikes import update
from pipeline.core.windows import DAY, HOUR
from schemas.mention import ObjectKind
from schemas.spike import Resolution

P = parameters("1h")
MONDAY = 1_406_505_600


@pytest.mark.parametrize("kind", get_args(ObjectKind))
@pytest.mark.parametrize("resolution", get_args(Resolution))
def test_a_kind_gives_a_level_and_no_age(kind: ObjectKind, resolution: Resolution) -> None:
    p = parameters(resolution)
    state = expected_of(kind, p)
    assert state.idle
    assert state.age == 0
    expected = expect(p, state, MONDAY, 0).total * HOUR / p.step
    assert 0.2 < expected < 3.0, "mentions per hour"


def past(days: int) -> list[tuple[int, int, int]]:
    return [(MONDAY + hour * HOUR, hour % 2, 5) for hour in range(24 * days)]


def test_a_backfilled_object_has_no_first_day() -> None:
    state = backfilled(P, past(3)).negativity
    state, _ = update(P, state, MONDAY + 3 * DAY, 30, 35)
    assert state.opened == MONDAY + 3 * DAY


def test_an_incident_of_the_past_neither_stays_open_nor_becomes_the_normal() -> None:
    counts = past(5)
    counts[-3:] = [(bucket, 60, 65) for bucket, _, _ in counts[-3:]]
    taught = backfilled(P, counts)
    assert taught.negativity.idle and taught.volume.idle
    assert expect(P, taught.negativity, MONDAY + 5 * DAY, 5).negatives < 1.5


def test_holes_are_empty_buckets() -> None:
    holes = [row for row in past(3) if row[0] % (3 * HOUR)]
    whole = [row if row in holes else (row[0], 0, 0) for row in past(3)][1:]
    assert backfilled(P, holes) == backfilled(P, whole)


def test_nothing_known_is_the_state_given() -> None:
    state = expected_of("person", P)
    assert backfilled(P, [], state).negativity == state
    assert backfilled(P, []).negativity == State()


@pytest.mark.parametrize("rows", [[(HOUR, 0, 1), (0, 0, 1)], [(HOUR, 0, 1), (HOUR, 0, 1)], [(7, 0, 1)]])
def test_rows_out_of_order_are_refused(rows: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="not in order"):
        backfilled(P, rows)
