"""The detector itself on the story: incidents found, calm hours calm, also with careless labels."""

from __future__ import annotations

import pytest

from pipeline.demo.expectations import check, passed
from pipeline.demo.story import Written
from schemas import Spike
from tests.demo.told import spikes


@pytest.fixture(scope="module")
def told(story: list[Written]) -> list[Spike]:
    return spikes(story)


def test_true_labels_give_exactly_the_expected_spikes(told: list[Spike]) -> None:
    findings = check(told)
    assert passed(findings)
    assert {finding.outcome for finding in findings} == {"found"}


@pytest.mark.parametrize("seed", range(2))
def test_a_quarter_of_wrong_labels_does_not_hide_the_story(story: list[Written], seed: int) -> None:
    findings = check(spikes(story, wrong=0.25, seed=seed))
    assert passed(findings), [finding for finding in findings if finding.fatal]


def test_the_spikes_explain_themselves(told: list[Spike]) -> None:
    opened = [spike for spike in told if spike.status == "opened" and spike.resolution == "5m"]
    outage = next(spike for spike in opened if spike.object_id == "rassvet-online")
    assert outage.top_posts
    assert {source.source for source in outage.top_sources} >= {"vk", "telegram"}
    assert outage.negatives > 3 * outage.expected_negatives
    assert outage.explanation.words and outage.explanation.first_post


def test_the_leak_shows_in_the_days_too(told: list[Spike]) -> None:
    days = {spike.id for spike in told if spike.resolution == "1d"}
    assert days == {"sevkap/1d/2026-03-09T00:00:00Z"}
