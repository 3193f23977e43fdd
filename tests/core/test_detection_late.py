"""Late mentions: the grace, what still counts in the hour and the day, and what is only counted as late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.core.detection import PartitionDetector
from pipeline.core.pending import REMEMBERED
from schemas import Spike
from tests.core.detection_log import START, detector, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BURST = 6 * 60
DAY = 24 * 60


def calm(subject: PartitionDetector, hours: int = 6, every: int = 10) -> None:
    for n in range(60 * hours // every):
        assert subject.absorb(mention(every * n, n, label="neutral")) == "counted"


def burst(subject: PartitionDetector, first: int = 1_000, minute: float = BURST, posts: int = 20) -> set[str]:
    return {subject.absorb(mention(minute + n / 10, first + n)) for n in range(posts)}


def only(spikes: list[Spike], resolution: str) -> list[Spike]:
    return [spike for spike in spikes if spike.resolution == resolution and spike.signal == "negativity"]


def test_within_the_grace_a_mention_counts_in_its_five_minutes() -> None:
    subject = detector(late_grace=timedelta(minutes=10))
    calm(subject)
    assert subject.advance(watermark(BURST + 10, 900), NOW) == []
    assert subject.closed("live") == START + timedelta(minutes=BURST)
    assert burst(subject) == {"counted"}
    (spike,) = subject.advance(watermark(BURST + 15, 2_000), NOW)
    assert (spike.resolution, spike.negatives, spike.late) == ("5m", 20, 0)


def test_the_end_of_a_file_waits_for_no_grace() -> None:
    subject = detector(late_grace=timedelta(minutes=10))
    subject.absorb(mention(0, 0, timeline="replay:a"))
    subject.advance(watermark(20, 1, timeline="replay:a", final=True), NOW)
    assert subject.closed("replay:a") == START + timedelta(hours=1)


def test_what_is_late_for_its_five_minutes_counts_in_its_hour() -> None:
    subject = detector()
    calm(subject)
    subject.advance(watermark(BURST + 10, 900), NOW)
    assert burst(subject) == {"behind"}
    spikes = subject.advance(watermark(BURST + 60, 2_000), NOW)
    assert only(spikes, "5m") == []
    (hourly,) = only(spikes, "1h")
    assert (hourly.negatives, hourly.late) == (20, 0)


def test_what_is_late_for_its_hour_counts_in_its_day() -> None:
    subject = detector()
    calm(subject, hours=36, every=60)
    subject.advance(watermark(DAY + 12 * 60, 900), NOW)
    assert burst(subject, minute=DAY + 3 * 60, posts=60) == {"behind"}
    spikes = subject.advance(watermark(2 * DAY, 2_000), NOW)
    (daily,) = only(spikes, "1d")
    assert daily.negatives == 60
    assert daily.started_at == START + timedelta(days=1)
    assert only(spikes, "1h") == only(spikes, "5m") == []


def test_what_is_late_for_its_day_is_late() -> None:
    subject = detector()
    calm(subject, hours=36)
    subject.advance(watermark(DAY, 900), NOW)
    assert burst(subject, minute=DAY - 60) == {"late"}


def test_late_mentions_are_counted_on_the_run_that_they_belong_to() -> None:
    subject = detector()
    calm(subject)
    burst(subject)
    subject.advance(watermark(BURST + 10, 2_000), NOW)
    for n in range(3):
        assert subject.absorb(mention(BURST + 1, 2_100 + n)) == "behind"
    assert subject.absorb(mention(BURST - 90, 2_200)) == "behind", "before the run, for the day only"
    for n in range(25):
        assert subject.absorb(mention(BURST + 10 + n / 10, 2_300 + n)) == "counted"
    (updated,) = only(subject.advance(watermark(BURST + 15, 3_000), NOW), "5m")
    assert (updated.status, updated.negatives, updated.late) == ("updated", 45, 3)
    (hourly,) = only(subject.advance(watermark(BURST + 60, 3_001), NOW), "1h")
    assert (hourly.negatives, hourly.late) == (48, 0), "they were in time for their hour"


def test_late_copies_count_nowhere_again() -> None:
    subject = detector()
    for n in range(20):
        subject.absorb(mention(n / 10, n, post=f"vk:{n}", label="neutral"))
    subject.advance(watermark(10, 100), NOW)
    again = {subject.absorb(mention(n / 10, 200 + n, post=f"vk:{n}")) for n in range(20)}
    subject.advance(watermark(70, 300), NOW)
    again |= {subject.absorb(mention(n / 10, 400 + n, post=f"vk:{n}")) for n in range(20)}
    assert again == {"duplicate"}


def test_a_day_with_more_posts_than_are_remembered_takes_no_late_ones() -> None:
    def negatives(posts: int) -> int:
        subject = detector()
        for n in range(36):
            subject.absorb(mention(40 * n, n, label="neutral"))
        for n in range(posts):
            subject.absorb(mention(DAY + n / 4, 100 + n))
        subject.advance(watermark(DAY + 12 * 60, 5_000), NOW)
        assert burst(subject, first=6_000, minute=DAY + 3 * 60) == {"behind"}
        spikes = only(subject.advance(watermark(2 * DAY, 7_000), NOW), "1d")
        return spikes[0].negatives

    assert negatives(100) == 120
    assert negatives(REMEMBERED + 1) == REMEMBERED + 1


def test_a_late_mention_is_counted_once_after_a_crash() -> None:
    first = detector()
    calm(first)
    burst(first)
    first.advance(watermark(BURST + 10, 2_000), NOW)
    late = mention(BURST + 1, 2_100)
    assert first.absorb(late) == "behind"
    second = detector()
    second.load(first.changed())
    assert second.absorb(late) == "duplicate"
