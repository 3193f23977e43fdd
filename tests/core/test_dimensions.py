"""Slices of an object: which are watched, and at which level a spike is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.core.dimensions import ALONE, MOST_VALUES, WHOLE, Claim, Slice, outdated, slices, speaker
from schemas import Mention, Spike
from schemas.signals import Aspect, MentionSignals
from tests.core.detection_log import detector, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BURST = 6 * 60
VK: Slice = ("source", "vk")
OK: Slice = ("source", "ok")
APP: Slice = ("aspect", "app")


def test_a_mention_counts_in_its_slices() -> None:
    signals = MentionSignals(aspects=(Aspect(name="price", p=0.9), Aspect(name="app", p=0.6)))
    record = mention(0, signals=signals, region="Самара")
    price: Slice = ("aspect", "price")
    assert slices(record, ()) == [WHOLE]
    assert slices(record, ("source", "aspect")) == [WHOLE, VK, APP, price]
    assert slices(record, ("region",)) == [WHOLE, ("region", "Самара")]
    assert slices(mention(0), ("region", "aspect")) == [WHOLE]


def test_the_slices_not_mentioned_longest_are_forgotten_unless_something_is_up() -> None:
    last: dict[Slice, int] = {("source", f"s{n:02}"): 300 * n for n in range(MOST_VALUES + 2)}
    assert outdated(last, ()) == [("source", "s00"), ("source", "s01")]
    assert outdated(last, [("source", "s00")]) == [("source", "s01"), ("source", "s02")]
    assert outdated({**last, APP: 0}, ())[:1] == [("source", "s00")], "dimensions are counted apart"


def claim(**changes: float | bool) -> Claim:
    values = {"open": True, "told": False, "waiting": True, "margin": 5.0, "excess": 20.0, "total": 40}
    return Claim(**(values | changes))  # type: ignore[arg-type]


CALM = claim(open=False, waiting=False)
TOLD = claim(told=True, waiting=False)


@pytest.mark.parametrize(
    ("claims", "speaks"),
    [
        ({WHOLE: CALM, VK: CALM}, None),
        ({WHOLE: claim(), VK: CALM}, WHOLE),
        ({WHOLE: claim(), VK: claim(excess=16.0)}, VK),
        ({WHOLE: claim(), VK: claim(excess=15.9)}, WHOLE),
        ({WHOLE: claim(), VK: claim(total=30), APP: claim(total=20)}, APP),
        ({WHOLE: claim(), VK: claim(total=20), APP: claim(total=20)}, APP),
        ({WHOLE: CALM, VK: claim()}, VK),
        ({WHOLE: CALM, VK: claim(margin=ALONE - 0.01)}, None),
        ({WHOLE: TOLD, VK: claim()}, None),
        ({WHOLE: claim(), VK: TOLD}, None),
        ({WHOLE: claim(excess=41.0), VK: TOLD}, WHOLE),
        ({WHOLE: CALM, VK: TOLD, OK: claim()}, None),
        ({WHOLE: claim(waiting=False), VK: claim(waiting=False)}, None),
    ],
)
def test_who_speaks(claims: dict[Slice, Claim], speaks: Slice | None) -> None:
    assert speaker(claims) == speaks
    assert speaker(dict(reversed(claims.items()))) == speaks


def story(burst: list[str]) -> list[Mention]:
    """Six calm hours of two sources in turn, then negative posts of these sources within five minutes."""
    calm = [mention(5 * n, n, label="neutral", source=("vk", "ok")[n % 2]) for n in range(72)]
    return calm + [mention(BURST + n / 10, 100 + n, source=source) for n, source in enumerate(burst)]


def told(mentions: list[Mention], *dimensions: str) -> list[Spike]:
    subject = detector(dimensions=dimensions)
    for each in mentions:
        assert subject.absorb(each) == "counted"
    spikes = subject.advance(watermark(BURST + 30, 999), NOW)
    return [spike for spike in spikes if (spike.resolution, spike.signal) == ("5m", "negativity")]


def test_a_wave_of_one_source_is_told_of_that_source_once() -> None:
    (spike,) = told(story(["vk"] * 20), "source")
    assert spike.id == "acme/5m/2014-07-28T06:00:00Z/source=vk"
    assert (spike.dimension, spike.value, spike.negatives) == ("source", "vk", 20)
    assert spike.explanation.activation is None, "the usual authors are known of the whole object only"


def test_a_wave_of_all_sources_is_told_of_the_object_once() -> None:
    (spike,) = told(story(["vk", "ok"] * 10), "source")
    assert (spike.id, spike.negatives) == ("acme/5m/2014-07-28T06:00:00Z", 20)
    assert {top.source for top in spike.top_sources} == {"vk", "ok"}


def test_without_dimensions_there_is_the_object_only() -> None:
    (spike,) = told(story(["vk"] * 20))
    assert spike.dimension == spike.value == ""


def test_a_wave_that_outgrows_its_source_is_told_of_the_object_too() -> None:
    wave = story(["vk"] * 20) + [mention(BURST + 5 + n / 20, 200 + n, source="ok") for n in range(80)]
    opened = [spike for spike in told(wave, "source") if spike.status == "opened"]
    assert [spike.value for spike in opened] == ["vk", ""]
