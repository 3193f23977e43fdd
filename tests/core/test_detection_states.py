"""Detection's states: what an earlier version wrote, the way through bytes, and how large they are."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core import spike_state, volume
from pipeline.core.object_state import ObjectState
from schemas import Watermark
from tests.core.detection_log import Shape, detector, feed, mention, random_log, watermark

NOW = datetime(2014, 8, 1, tzinfo=UTC)
BURST = 6 * 60
VERSION_1 = Path(__file__).with_name("detection_states_v1.json")
"""Six calm hours, a burst of 20 negatives that opened a spike, and one more mention, not closed yet."""


def version_1() -> list[tuple[str, bytes]]:
    states = json.loads(VERSION_1.read_text(encoding="utf-8"))
    return [(key, json.dumps(value).encode()) for key, value in states]


def test_states_of_version_1_go_on() -> None:
    subject = detector()
    subject.load(version_1())
    assert subject.absorb(mention(BURST + 6, 100)) == "duplicate", "absorbed before"
    for n in range(25):
        assert subject.absorb(mention(BURST + 7, 101 + n)) == "counted"
    events = [spike for spike in subject.advance(watermark(BURST + 10, 999), NOW) if spike.resolution == "5m"]
    (updated,) = [spike for spike in events if spike.signal == "negativity"]
    assert (updated.id, updated.revision) == ("acme/5m/2014-07-28T06:00:00Z", 2)
    assert (updated.status, updated.negatives) == ("updated", 46)
    later = subject.advance(watermark(BURST + 60, 1_000), NOW)
    assert [spike.negatives for spike in later if spike.resolution == "1h"] == [46]
    assert all(json.loads(value)["version"] == 2 for key, value in subject.changed() if "|object|" in key)


def test_a_state_survives_the_way_through_bytes_at_any_moment() -> None:
    rng = random.Random(5)
    subject = detector(dimensions=("source", "region", "aspect"))
    seen = 0
    for items in random_log(Shape(seed=3, partitions=1, agents=2, objects=2)):
        for item in items:
            feed(subject, [item])
            if rng.random() < 0.02 and isinstance(item[0], Watermark):
                for key, value in subject.changed():
                    if "|object|" in key:
                        assert ObjectState.load(value, "c1").dump("c1") == value
                        seen += 1
    assert seen > 5


def test_detectors_are_small() -> None:
    """Less than 2 KB of JSON per object and resolution, after two busy days."""
    subject = detector()
    for n in range(6_000):
        subject.absorb(mention(n / 2, n, label="negative" if n % 3 == 0 else "neutral"))
    subject.advance(watermark(2 * 24 * 60, 9_999), NOW)
    ((_, value),) = [state for state in subject.changed() if "|object|" in state[0]]
    state = ObjectState.load(value, "c1")
    for tracks in state.tracks.values():
        detectors = [spike_state.dump(tracks.whole.state), volume.dump(tracks.volume.state)]
        assert len(json.dumps(detectors, separators=(",", ":"))) < 2_048
