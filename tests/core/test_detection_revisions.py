"""Edits of posts: a post counts once per object, as the first version that mentions it."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.detection_log import Item, detector, feed, mention, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
DAY = 24 * 60


def test_an_edit_counts_nowhere_again() -> None:
    subject = detector()
    assert subject.absorb(mention(1, 0, post="vk:1")) == "counted"
    assert subject.absorb(mention(1, 1, post="vk:1", revision=5)) == "duplicate"
    for minute, offset, verdict in ((10, 2, "duplicate"), (70, 4, "duplicate"), (DAY + 10, 6, "past")):
        subject.advance(watermark(minute, offset), NOW)  # its 5 minutes, its hour, its day are over
        assert subject.absorb(mention(1, offset + 1, post="vk:1", revision=5 + offset)) == verdict


def test_a_post_that_is_first_met_after_its_edit_counts() -> None:
    subject = detector()
    assert subject.absorb(mention(1, 0, post="vk:1", revision=5)) == "counted"
    assert subject.absorb(mention(1, 1, post="vk:1")) == "duplicate"
    subject.advance(watermark(10, 2), NOW)
    assert subject.absorb(mention(2, 3, post="vk:2", revision=5)) == "behind"


def test_an_object_that_an_edit_adds_counts_where_the_post_stands() -> None:
    subject = detector()
    subject.absorb(mention(1, 0, post="vk:1"))
    subject.advance(watermark(10, 1), NOW)
    assert subject.absorb(mention(1, 2, post="vk:1", revision=5, object_id="rival")) == "behind"
    assert subject.absorb(mention(1, 3, post="vk:1", revision=6, object_id="rival")) == "duplicate"


def test_an_edit_of_an_old_post_is_not_late() -> None:
    quiet, edited = detector(), detector()
    for subject in (quiet, edited):
        for minute in range(0, 12 * 60, 10):
            subject.absorb(mention(minute, minute, label="neutral"))
        subject.advance(watermark(2 * DAY, 5_000), NOW)
    assert edited.absorb(mention(3, 6_000, post="vk:old", revision=9)) == "past"
    burst = [(mention(2 * DAY + n / 10, 7_000 + n), NOW) for n in range(40)]
    end = (watermark(2 * DAY + 60, 9_000), NOW)
    told = [feed(subject, [*burst, end]) for subject in (quiet, edited)]
    assert told[0] == told[1]


def logs(seed: int) -> tuple[list[Item], list[Item]]:
    """A log with a burst of negatives, and the same one with random edits of its posts."""
    rng = random.Random(seed)
    plain: list[Item] = []
    edited: list[Item] = []
    posts: list[tuple[float, str]] = []
    for step in range(400):
        loud = 300 <= step < 320
        for _ in range(8 if loud else 1):
            minute, post = step * 2 + rng.random(), f"vk:{len(posts)}"
            label = "negative" if loud else "neutral"
            posts.append((minute, post))
            plain.append((mention(minute, len(edited), post=post, label=label), NOW))
            edited.append(plain[-1])
        while rng.random() < 0.3:
            at, post = rng.choice(posts)
            edited.append((mention(at, len(edited), post=post, revision=rng.randrange(1, 9)), NOW))
        if step % 10 == 9:
            plain.append((watermark(step * 2 - 1, len(edited)), NOW))
            edited.append(plain[-1])
    return plain, edited


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_the_spikes_of_a_log_with_edits_are_those_without(seed: int) -> None:
    plain, edited = logs(seed)
    spikes = feed(detector(), plain)
    assert {spike.resolution for spike in spikes} >= {"5m", "1h"}
    assert feed(detector(), edited) == spikes
