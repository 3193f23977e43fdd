"""How objects are judged: thresholds of their own, and what a long silence costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.core.detection import PARAMETERS, PartitionDetector
from pipeline.core.object_state import ObjectState
from pipeline.core.parameters import parameters
from pipeline.core.tracks import Rules
from pipeline.core.windows import DAY, HOUR, MINUTES_5, seconds
from schemas import Spike
from tests.core.detection_log import QUICK, START, detector, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BEGIN = seconds(START)


def test_an_object_without_a_threshold_of_its_own_has_the_usual_parameters() -> None:
    rules = Rules(PARAMETERS, open_at={("acme", "1h"): 20.0})
    assert rules.parameters("acme", "1h") == parameters("1h", open_at=20.0)
    assert rules.parameters("acme", "5m") is rules.parameters("other", "5m") is PARAMETERS["5m"]
    assert rules.parameters("acme", "1h") is rules.parameters("acme", "1h"), "made once"


def fed(subject: PartitionDetector) -> list[Spike]:
    """Six quiet hours, then a burst of two objects whose scores are alike."""
    for n in range(36):
        for name in ("acme", "calm"):
            subject.absorb(mention(10 * n, n, label="neutral", object_id=name))
    for n in range(12):
        for name in ("acme", "calm"):
            subject.absorb(mention(360 + n / 10, 100 + n, object_id=name))
    return subject.advance(watermark(365, 20_000), NOW)


def test_a_higher_threshold_makes_one_object_less_sensitive() -> None:
    usual = fed(detector())
    assert {spike.object_id for spike in usual if spike.resolution == "5m"} == {"acme", "calm"}
    score = next(spike.score for spike in usual if spike.object_id == "calm")
    deaf = detector(open_at={("calm", "5m"): score + 1.0})
    assert {spike.object_id for spike in fed(deaf)} == {"acme"}
    keen = detector(open_at={("calm", "5m"): 8.0, ("nobody", "1d"): 50.0})
    assert {spike.object_id for spike in fed(keen)} == {"acme", "calm"}


def test_thresholds_are_no_part_of_the_states() -> None:
    usual, deaf = detector(), detector(open_at={("calm", "5m"): 49.0})
    for subject in (usual, deaf):
        for n in range(36):
            subject.absorb(mention(10 * n, n, label="neutral", object_id="calm"))
        subject.advance(watermark(360, 99), NOW)
    states = usual.changed()
    assert deaf.changed() == states
    deaf.load(states)
    deaf.absorb(mention(361, 100, object_id="calm"))
    assert deaf.advance(watermark(400, 200), NOW) == []


class Plodding(ObjectState):
    """Judges every bucket, also where nothing can change."""

    __slots__ = ()

    def _pass_over(self, rules: Rules, position: int, last: int) -> int:
        return position


def after(kind: type[ObjectState], quiet: int, **options: Any) -> tuple[list[Spike], bytes, int]:
    """A day with a burst, ``quiet`` seconds of silence, a mention; what was told and is known then."""
    rules = Rules(options.pop("parameters", QUICK), options.pop("dimensions", ()))
    state = kind("live", "acme", "brand")
    told: list[Spike] = []
    for n in range(24 * 6):
        state.absorb(mention(10 * n, n, label="negative" if n % 5 == 0 else "neutral", **options), 0, rules)
    for n in range(20):
        state.absorb(mention(1200 + n / 10, 1_000 + n, **options), 0, rules)
    told += state.close(rules, BEGIN + 3 * DAY)
    state.absorb(mention(quiet / 60, 5_000, **options), 0, rules)
    told += state.close(rules, BEGIN + quiet + 2 * DAY)
    return told, state.dump("c1"), state.position or 0


@pytest.mark.parametrize("dimensions", [(), ("source", "region")])
@pytest.mark.parametrize("quiet", [4 * DAY + 7 * HOUR, 5 * DAY, 5 * DAY - MINUTES_5, 6 * DAY + 100])
def test_passing_over_a_silence_changes_nothing(quiet: int, dimensions: tuple[Any, ...]) -> None:
    swift, slow = (
        after(kind, quiet, dimensions=dimensions, region="Омск") for kind in (ObjectState, Plodding)
    )
    assert swift == slow
    assert {spike.resolution for spike in swift[0]} >= {"5m", "1h"}


def test_passing_over_weeks_changes_nothing_with_the_real_parameters() -> None:
    swift, slow = (
        after(kind, 20 * DAY + 5 * HOUR, parameters=PARAMETERS) for kind in (ObjectState, Plodding)
    )
    assert swift == slow


def test_two_silent_months_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []
    close_next = ObjectState._close_next

    def counting(self: ObjectState, rules: Rules, start: int) -> Any:
        judged.append(start)
        return close_next(self, rules, start)

    monkeypatch.setattr(ObjectState, "_close_next", counting)
    after(ObjectState, 59 * DAY, parameters=PARAMETERS)
    assert len(judged) < 11 * 288, "a day, a week until it is dormant, a bucket a day, and two days again"
