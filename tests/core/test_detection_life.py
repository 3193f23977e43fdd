"""The life of a spike in the stream: minimum hold, severity, volume, explanation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.core.detection import PartitionDetector
from pipeline.core.episodes import LEAST_OPEN
from pipeline.core.windows import MINUTES_5
from schemas import Author, Spike
from tests.core.detection_log import detector, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BURST = 6 * 60


def calm(subject: PartitionDetector, first: int, last: int, every: float = 10) -> None:
    """Neutral mentions from minute ``first`` to ``last``."""
    for n in range(int((last - first) / every)):
        minute = first + every * n
        assert subject.absorb(mention(minute, int(10 * minute), label="neutral")) == "counted"


def of(spikes: list[Spike], signal: str = "negativity", resolution: str = "5m") -> list[Spike]:
    return [spike for spike in spikes if (spike.signal, spike.resolution) == (signal, resolution)]


def test_a_spike_stays_open_for_a_while_however_calm_it_gets() -> None:
    subject = detector()
    calm(subject, 0, BURST)
    for n in range(14):
        subject.absorb(mention(BURST + n / 10, 10 * BURST + n))
    calm(subject, BURST + 5, BURST + 300, every=0.5)
    events = of(subject.advance(watermark(BURST + 300, 99_999), NOW))
    opened, resolved = (next(e for e in events if e.status == status) for status in ("opened", "resolved"))
    assert resolved.resolved_at == resolved.updated_at
    held = resolved.updated_at - opened.opened_at
    assert held == timedelta(seconds=LEAST_OPEN["5m"] * MINUTES_5)


def test_severity_rises_with_reach_and_is_told_at_once() -> None:
    subject = detector()
    calm(subject, 0, BURST)
    for n in range(20):
        subject.absorb(mention(BURST + n / 10, 10_000 + n))
    (opened,) = of(subject.advance(watermark(BURST + 5, 11_000), NOW))
    assert opened.severity == "warning"
    loud = Author(id="known", followers=2_000_000)
    for n in range(12):
        subject.absorb(mention(BURST + 5 + n / 10, 12_000 + n, author=loud))
    (updated,) = of(subject.advance(watermark(BURST + 10, 13_000), NOW))
    assert (updated.status, updated.severity, updated.negatives) == ("updated", "critical", 32)
    assert updated.explanation.reach == 2_000_000
    assert of(subject.advance(watermark(BURST + 15, 14_000), NOW)) == [], "it is told once"


def test_much_neutral_talk_is_a_volume_spike_of_info() -> None:
    subject = detector()
    calm(subject, 0, 30 * 60, every=2)
    for n in range(400):
        subject.absorb(mention(30 * 60 + n / 20, 100_000 + n, label="neutral"))
    events = subject.advance(watermark(31 * 60, 999_999), NOW)
    assert {spike.signal for spike in events} == {"volume"}
    opened = of(events, "volume")[0]
    assert opened.id == "acme/5m/2014-07-29T06:00:00Z/volume"
    assert (opened.status, opened.severity, opened.negatives) == ("opened", "info", 0)
    assert opened.total > 3 * opened.expected_total
    assert [spike.status for spike in of(events, "volume")].count("updated") <= 3, "as its mentions double"


def test_a_wave_that_is_told_as_negative_is_not_told_as_volume_too() -> None:
    subject = detector()
    calm(subject, 0, 30 * 60, every=2)
    for n in range(400):
        subject.absorb(mention(30 * 60 + n / 20, 100_000 + n))
    events = subject.advance(watermark(31 * 60, 999_999), NOW)
    assert {spike.signal for spike in events} == {"negativity"}


def test_a_spike_explains_itself_against_the_last_days() -> None:
    subject = detector()
    for n in range(30 * 6):
        subject.absorb(mention(10 * n, n, excerpt="касса закрыта", label="negative" if n % 6 else "neutral"))
    for n in range(40):
        text = "приложение списало деньги дважды"
        subject.absorb(mention(30 * 60 + n / 10, 1_000 + n, excerpt=text, author=Author(id=f"new{n}")))
    spike = of(subject.advance(watermark(30 * 60 + 5, 9_999), NOW))[0]
    told = spike.explanation
    assert told.expected_low <= spike.expected_negatives <= told.expected_high < spike.negatives
    assert told.activation is not None
    assert told.activation > 3
    assert {"приложение", "дважды"} <= {term.text for term in told.words}
    assert "касса" not in {term.text for term in told.words}
    assert told.first_post is not None
    assert told.first_post.post_id == "vk:0-1000"
