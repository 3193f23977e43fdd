"""Detection over one partition: what counts, when buckets close, what is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.detection import PartitionDetector
from pipeline.core.windows import moment
from schemas import Author, Engagement, Mention, Spike, Watermark
from tests.core.detection_log import IDLE, START, detector, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BURST = 6 * 60


def calm_then_burst(**fields: object) -> list[Mention]:
    """A mention every ten minutes for six hours, then twenty negatives in five minutes."""
    posts = [mention(10 * n, n, label="neutral", **fields) for n in range(36)]
    return posts + [mention(BURST + n / 5, 36 + n, **fields) for n in range(20)]


def statuses(spikes: list[Spike], resolution: str = "5m") -> list[str]:
    return [spike.status for spike in spikes if spike.resolution == resolution]


def absorb(subject: PartitionDetector, mentions: list[Mention]) -> list[str]:
    return [subject.absorb(each) for each in mentions]


def test_a_burst_opens_a_spike_that_explains_itself() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    (spike,) = subject.advance(watermark(BURST + 5, 99), NOW)
    assert spike.id == "acme/5m/2014-07-28T06:00:00Z"
    assert (spike.status, spike.revision) == ("opened", 1)
    assert spike.opened_at == spike.updated_at == START + timedelta(minutes=BURST + 5)
    assert spike.started_at == START + timedelta(minutes=BURST)
    assert (spike.negatives, spike.total) == (20, 20)
    assert spike.expected_negatives < 1.0
    assert spike.score == spike.peak_score >= 12
    assert len(spike.top_posts) == 5
    assert [(source.source, source.negatives) for source in spike.top_sources] == [("vk", 20)]
    assert 10 < spike.authors <= 20


def test_a_bucket_closes_when_its_end_is_promised_and_not_before() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    assert subject.advance(watermark(BURST + 4.99, 98), NOW) == []
    assert subject.closed("live") == moment(int((START + timedelta(minutes=BURST + 4)).timestamp()) + 59)
    assert statuses(subject.advance(watermark(BURST + 5, 99), NOW)) == ["opened"]


def test_a_spike_is_opened_then_resolved_at_both_resolutions() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    absorb(subject, [mention(BURST + 10 * n, 100 + n, label="neutral") for n in range(1, 24 * 6)])
    spikes = subject.advance(watermark(BURST + 24 * 60, 999), NOW)
    assert statuses(spikes, "5m") == statuses(spikes, "1h") == ["opened", "resolved"]
    last = [spike for spike in spikes if spike.resolution == "1h"][-1]
    assert (last.revision, last.id) == (2, "acme/1h/2014-07-28T06:00:00Z")
    assert last.resolved_at == last.updated_at > last.opened_at


def test_a_growing_spike_is_updated_when_its_negatives_double() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    absorb(subject, [mention(BURST + 5 + n / 100, 100 + n) for n in range(300)])
    opened, updated = subject.advance(watermark(BURST + 10, 999), NOW)
    assert (opened.status, updated.status, updated.revision) == ("opened", "updated", 2)
    assert updated.id == opened.id
    assert updated.negatives == 320


def test_a_spike_that_rises_again_within_the_cooldown_continues() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    first = subject.advance(watermark(BURST + 12 * 60, 99), NOW)
    ended = next(s for s in first if s.resolution == "5m" and s.status == "resolved")
    assert ended.resolved_at is not None

    again = detector()
    absorb(again, calm_then_burst())
    gap = (ended.resolved_at - START).total_seconds() / 60 + 20
    absorb(again, [mention(gap + n / 10, 100 + n) for n in range(40)])
    events = [s for s in again.advance(watermark(gap + 10, 999), NOW) if s.resolution == "5m"]
    assert [s.status for s in events[:3]] == ["opened", "resolved", "updated"]
    assert {s.id for s in events} == {ended.id}
    assert [s.revision for s in events] == list(range(1, len(events) + 1))


def test_the_companys_own_posts_do_not_count() -> None:
    subject = detector()
    assert set(absorb(subject, calm_then_burst(own=True))) == {"own"}
    assert subject.advance(watermark(BURST + 60, 99), NOW) == []


def test_a_post_counts_once_however_often_it_comes() -> None:
    subject = detector()
    verdicts = absorb(
        subject, [mention(1, 0, post="vk:1"), mention(1, 0, post="vk:1"), mention(1, 7, post="vk:1")]
    )
    assert verdicts == ["counted", "duplicate", "duplicate"]


def test_late_is_behind_what_the_own_raw_partition_has_promised() -> None:
    subject = detector()
    subject.advance(watermark(30, 0, raw=0, partitions=2), NOW)
    assert subject.absorb(mention(-1, 1, raw=0)) == "late"
    assert subject.absorb(mention(29, 2, raw=0)) == "behind", "its hour goes on"
    assert subject.absorb(mention(30, 3, raw=0)) == "counted"
    assert subject.absorb(mention(3, 0, raw=1)) == "counted", "the other partition has promised nothing yet"


def test_every_raw_partition_is_waited_for() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    assert subject.advance(watermark(BURST + 60, 99, raw=0, partitions=2), NOW) == []
    assert subject.closed("live") is None
    assert subject.absorb(mention(BURST + 4, 0, raw=1)) == "counted"
    spikes = subject.advance(watermark(BURST + 5, 1, raw=1, partitions=2), NOW)
    assert statuses(spikes) == ["opened"]
    assert spikes[0].negatives == 21


def test_every_agent_is_waited_for_until_it_is_idle_or_has_ended() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    subject.advance(watermark(0, 90, agent="http"), NOW)
    assert subject.advance(watermark(BURST + 5, 91), NOW + IDLE) == []
    assert statuses(subject.advance(watermark(BURST + 5, 92), NOW + 2 * IDLE)) == ["opened"]

    subject = detector()
    absorb(subject, calm_then_burst())
    subject.advance(watermark(0, 90, agent="http"), NOW)
    subject.advance(watermark(BURST + 5, 91), NOW)
    assert statuses(subject.advance(watermark(0, 92, agent="http", final=True), NOW)) == ["opened"]


def test_an_agent_that_joins_late_does_not_turn_back_time() -> None:
    subject = detector()
    subject.advance(watermark(60, 0), NOW)
    subject.advance(watermark(10, 1, agent="http"), NOW)
    assert subject.closed("live") == START + timedelta(minutes=60)
    assert subject.absorb(mention(59, 2)) == "behind"
    subject.advance(watermark(90, 3), NOW)
    assert subject.closed("live") == START + timedelta(minutes=60), "and it is waited for"


def test_the_end_of_a_file_closes_its_last_hour() -> None:
    subject = detector()
    absorb(subject, calm_then_burst(timeline="replay:a.jsonl"))
    final = watermark(BURST + 4, 99, agent="replay:a.jsonl", timeline="replay:a.jsonl", final=True)
    spikes = subject.advance(final, NOW)
    assert statuses(spikes, "5m")[0] == statuses(spikes, "1h")[0] == "opened"
    assert spikes[0].id == "acme/5m/2014-07-28T06:00:00Z/replay:a.jsonl"


def test_a_second_replay_of_a_file_is_known() -> None:
    subject = detector()
    story = calm_then_burst(timeline="replay:a|b.jsonl")
    absorb(subject, story)
    subject.advance(watermark(BURST + 4, 99, timeline="replay:a|b.jsonl", final=True), NOW)
    again = [each.model_copy(update={"origin": watermark(0, 100 + n).origin}) for n, each in enumerate(story)]
    assert set(absorb(subject, again)) == {"duplicate"}


def test_timelines_do_not_disturb_each_other() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    subject.advance(watermark(9999, 99, timeline="replay:x", final=True), NOW)
    assert subject.absorb(mention(BURST, 100)) == "counted"
    assert statuses(subject.advance(watermark(BURST + 5, 101), NOW)) == ["opened"]


def test_without_watermarks_the_newest_mention_less_an_hour_closes_buckets() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    assert subject.catch_up() == []
    subject.absorb(mention(BURST + 65, 100, label="neutral"))
    assert statuses(subject.catch_up()) == ["opened"]
    assert subject.absorb(mention(BURST, 101)) == "behind"


def test_posts_before_the_first_watermark_of_a_fast_replay_wait_for_it() -> None:
    subject = detector()
    absorb(subject, calm_then_burst(enriched_at=NOW))
    subject.absorb(mention(BURST + 999, 100, enriched_at=NOW + timedelta(minutes=5)))
    assert subject.catch_up() == []
    assert subject.absorb(mention(BURST + 1, 101, enriched_at=NOW)) == "counted"
    assert statuses(subject.advance(watermark(BURST + 5, 102), NOW)) == ["opened"]


def test_states_travel_and_belong_to_their_partition() -> None:
    first = detector(3)
    absorb(first, calm_then_burst(timeline="replay:a|b.jsonl"))
    states = first.changed()
    assert [key.split("|")[1] for key, _ in states] == ["object", "clock"]
    assert first.changed() == []
    assert absorb_all_again(detector(3), states) == {"duplicate"}
    assert absorb_all_again(detector(2), states) == {"counted"}


def absorb_all_again(subject: PartitionDetector, states: list[tuple[str, bytes]]) -> set[str]:
    subject.load(states)
    return set(absorb(subject, calm_then_burst(timeline="replay:a|b.jsonl")))


def test_a_new_broker_resets_offsets_but_not_event_time() -> None:
    first = detector(cluster="c1")
    absorb(first, calm_then_burst())
    first.advance(watermark(BURST, 500, partitions=1), NOW)
    second = detector(cluster="c2")
    second.load(first.changed())
    assert second.absorb(mention(BURST - 1, 0, post="vk:old")) == "behind"
    assert second.absorb(mention(BURST + 1, 1, post="vk:new")) == "counted"
    assert statuses(second.advance(watermark(BURST + 5, 2, partitions=1), NOW)) == ["opened"]


def test_a_redelivered_watermark_closes_what_a_lost_state_missed() -> None:
    first = detector()
    absorb(first, calm_then_burst())
    before = dict(first.changed())
    told = first.advance(watermark(BURST + 5, 99), NOW)
    clocks = {key: value for key, value in first.changed() if "|clock|" in key}
    second = detector()
    second.load((before | clocks).items())
    assert second.advance(watermark(BURST + 5, 99), NOW) == told


def test_ten_years_of_nothing_are_passed_over() -> None:
    subject = detector()
    absorb(subject, calm_then_burst())
    years = 10 * 365 * 24 * 60
    absorb(subject, [mention(years + n / 10, 200 + n) for n in range(40)])
    spikes = subject.advance(watermark(years + 10, 999), NOW)
    assert statuses(spikes)[:2] == ["opened", "resolved"]
    assert spikes[-1].opened_at > START + timedelta(minutes=years), "and nothing was unlearned"


def test_top_posts_are_the_telling_ones_and_no_two_retweets() -> None:
    subject = detector()
    absorb(subject, calm_then_burst(excerpt="RT @bank: Карты не работают! https://t.co/1"))
    loud = {"excerpt": "Директор украл", "author": Author(id="x", followers=9000)}
    subject.absorb(mention(BURST + 1, 100, **loud))
    subject.absorb(mention(BURST + 1, 101, excerpt="карты не работают", engagement=Engagement(likes=5)))
    (spike,) = subject.advance(watermark(BURST + 5, 999), NOW)
    assert [post.excerpt for post in spike.top_posts] == ["Директор украл", "карты не работают"]
    assert spike.top_posts[0].followers == 9000


def test_a_watermark_without_origin_is_an_error_of_the_wiring() -> None:
    with pytest.raises(ValueError, match="no origin"):
        detector().advance(Watermark(agent="rss", watermark=START, partitions=1), NOW)
