"""The score of names that stand out: examples computed by hand, and what holds for any counts."""

from __future__ import annotations

from math import isfinite, log, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.core.surges import STRENGTH, surges

counts = st.dictionaries(st.sampled_from("абвгдежз"), st.integers(0, 10_000), max_size=8)


def test_the_formula() -> None:
    (first, second) = surges({"ЦБ": 8, "Москва": 2}, {"Москва": 89}, strength=10.0)
    prior = 10 * 8 / 100
    cells = (8 + prior, 10 + 10 - 8 - prior, 0 + prior, 89 + 10 - 0 - prior)
    expected = log(cells[0] / cells[1]) - log(cells[2] / cells[3])
    assert (first.name, first.posts, first.before, first.expected, first.is_new) == ("ЦБ", 8, 0, 0.0, True)
    assert first.log_odds == pytest.approx(expected)
    assert first.z == pytest.approx(expected / sqrt(sum(1 / cell for cell in cells)))
    assert (second.name, second.expected, second.is_new) == ("Москва", 10.0, False)
    assert second.z < 0


def test_a_name_that_is_named_once_does_not_stand_out() -> None:
    now = {"Москва": 30, "ЦБ": 1, "Греф": 12}
    found = {surge.name: surge.z for surge in surges(now, {"Москва": 3_000, "Питер": 500})}
    assert found["Греф"] > 1.96 > found["ЦБ"]


def test_nothing() -> None:
    assert surges({}, {"Москва": 5}) == []
    assert surges({"Москва": 0}, {}) == []
    (only,) = surges({"Москва": 3}, {})
    assert isfinite(only.z) and only.is_new


@pytest.mark.parametrize(
    ("now", "before", "strength"), [({"а": -1}, {}, 1.0), ({}, {"а": -1}, 1.0), ({"а": 1}, {}, 0.0)]
)
def test_impossible_counts_are_refused(now: dict[str, int], before: dict[str, int], strength: float) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        surges(now, before, strength)


@given(counts, counts)
def test_names_of_the_hour_ranked_with_finite_scores(now: dict[str, int], before: dict[str, int]) -> None:
    found = surges(now, before)
    assert {surge.name for surge in found} == {name for name, count in now.items() if count}
    assert all(isfinite(surge.z) and isfinite(surge.log_odds) for surge in found)
    assert [surge.z for surge in found] == sorted((surge.z for surge in found), reverse=True)
    if sum(before.values()):
        assert sum(surge.expected for surge in found) <= sum(now.values()) * (1 + 1e-9)


@given(counts, counts, st.integers(1, 1_000))
def test_more_posts_of_a_name_raise_its_score(now: dict[str, int], before: dict[str, int], more: int) -> None:
    now = {**now, "а": now.get("а", 0) + 1}
    assume(sum(before.values()) > 0 and len([count for count in now.values() if count]) > 1)
    less_odds, more_odds = (
        next(surge.log_odds for surge in surges(counted, before) if surge.name == "а")
        for counted in (now, {**now, "а": now["а"] + more})
    )
    assert more_odds > less_odds or before.get("а", 0) == sum(before.values())


@given(counts)
def test_the_same_shares_do_not_stand_out(now: dict[str, int]) -> None:
    """Ten times the counts at the same shares: no name leaves the noise, whatever the volume."""
    found = surges(now, {name: 10 * count for name, count in now.items()})
    assert all(abs(surge.z) < 1.0 for surge in found)


@given(counts, counts)
def test_the_order_of_names_does_not_matter(now: dict[str, int], before: dict[str, int]) -> None:
    backwards = dict(reversed(list(now.items())))
    assert surges(now, before, STRENGTH) == surges(backwards, before, STRENGTH)
