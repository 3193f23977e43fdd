"""The verdict on a set of spikes: found, missed, unexpected; what fails and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.demo.expectations import CALM, EVERYBODY, EXPECTATIONS, Calm, Expectation, check, passed
from pipeline.demo.wording import ABOUT
from schemas import Spike
from schemas.spike import Resolution, SpikeStatus


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 6, hour, minute, tzinfo=UTC)


def spike(
    object_id: str, opened_at: datetime, resolution: Resolution = "5m", status: SpikeStatus = "opened"
) -> Spike:
    return Spike(
        id=f"{object_id}/{resolution}/{opened_at.isoformat()}",
        revision=1 if status == "opened" else 2,
        status=status,
        object_id=object_id,
        object_kind="brand",
        resolution=resolution,
        opened_at=opened_at,
        started_at=opened_at,
        updated_at=opened_at,
        score=20.0,
        peak_score=20.0,
        negatives=10,
        expected_negatives=1.0,
        total=12,
        expected_total=3.0,
        authors=9,
    )


REQUIRED = Expectation("bank", "5m", (at(9), at(11)), "outage")
OPTIONAL = Expectation("bank", "5m", (at(11, 5), at(14)), "outage", required=False)
QUIET = Calm(("bank",), (at(15), at(18)), "praise")


def outcomes(*spikes: Spike) -> list[tuple[str, bool]]:
    return [(f.outcome, f.fatal) for f in check(spikes, (REQUIRED, OPTIONAL), (QUIET,))]


def test_a_spike_in_its_window_is_found_ends_included() -> None:
    assert outcomes(spike("bank", at(9))) == [("found", False)]
    assert outcomes(spike("bank", at(11))) == [("found", False)]


@pytest.mark.parametrize(
    "wrong", [spike("bank", at(8, 55)), spike("rival", at(10)), spike("bank", at(10), "1h")]
)
def test_another_time_object_or_resolution_does_not_count(wrong: Spike) -> None:
    assert sorted(outcomes(wrong)) == [("missed", True), ("unexpected", False)]


def test_events_of_one_spike_are_one_finding() -> None:
    assert outcomes(spike("bank", at(10)), spike("bank", at(10), status="resolved")) == [("found", False)]


def test_a_surge_of_all_talk_is_no_finding() -> None:
    surge = spike("bank", at(16)).model_copy(update={"signal": "volume"})
    assert outcomes(surge) == [("missed", True)]


def test_an_optional_spike_may_come_or_not() -> None:
    assert outcomes(spike("bank", at(10)), spike("bank", at(12))) == [("found", False), ("found", False)]


def test_a_broken_calm_is_fatal_and_other_surprises_are_not() -> None:
    calm_broken = check([spike("bank", at(10)), spike("bank", at(16))], (REQUIRED,), (QUIET,))
    assert [(f.outcome, f.fatal, f.about) for f in calm_broken] == [
        ("found", False, "outage"),
        ("unexpected", True, "praise"),
    ]
    assert not passed(calm_broken)
    assert passed(check([spike("bank", at(10)), spike("bank", at(19))], (REQUIRED,), (QUIET,)))


def test_nothing_found_fails() -> None:
    assert not passed(check([]))
    assert len(check([])) == sum(expectation.required for expectation in EXPECTATIONS)


def test_every_incident_has_its_words() -> None:
    keys = {expectation.incident for expectation in EXPECTATIONS} | {hours.because for hours in CALM}
    assert keys | {"unexplained"} == set(ABOUT["en"]) == set(ABOUT["ru"])


def test_no_required_spike_lies_in_calm_hours() -> None:
    for expectation in EXPECTATIONS:
        assert expectation.object_id in EVERYBODY
        for moment in expectation.opens_between:
            opened = spike(expectation.object_id, moment, expectation.resolution)
            assert not any(hours.forbids(opened) for hours in CALM)
