"""The most important promise of detection: the spikes are a function of the log, not of how it was read."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import Spike
from tests.core.detection_log import Shape, detector, feed, feed_with_crashes, random_log, spread

shapes = st.builds(
    Shape,
    seed=st.integers(0, 2**32),
    partitions=st.integers(1, 4),
    agents=st.integers(1, 3),
    objects=st.integers(1, 3),
)


options = st.fixed_dictionaries(
    {
        "late_grace": st.sampled_from((timedelta(), timedelta(minutes=2), timedelta(minutes=30))),
        "dimensions": st.sampled_from(((), ("source",), ("source", "region", "aspect"))),
    }
)


def reference(shape: Shape, **options: Any) -> dict[str, bytes]:
    """One mentions partition, raw partitions read one after the other, no crash."""
    items = [item for raw in random_log(shape) for item in raw]
    return {spike.event_id: spike.model_dump_json().encode() for spike in feed(detector(**options), items)}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(shapes, st.integers(1, 4), st.integers(0, 2**32), options)
def test_the_same_log_gives_the_same_spikes_however_it_is_read(
    shape: Shape, partitions: int, seed: int, options: dict[str, Any]
) -> None:
    rng = random.Random(seed)
    told: dict[str, bytes] = {}

    def emit(spike: Spike) -> None:
        value = spike.model_dump_json().encode()
        assert told.setdefault(spike.event_id, value) == value, "told again, it is the same byte for byte"

    for number, items in enumerate(spread(random_log(shape), partitions, rng)):
        feed_with_crashes(number, items, rng, emit, **options)
    assert told == reference(shape, **options)


def test_the_random_logs_hold_spikes_of_every_resolution_and_late_mentions() -> None:
    told = [reference(Shape(seed, 2, 2, 2)) for seed in range(12)]
    assert sum(len(events) > 0 for events in told) >= 9
    spikes = [Spike.model_validate_json(value) for events in told for value in events.values()]
    assert {spike.resolution for spike in spikes} == {"5m", "1h", "1d"}
    assert any(spike.late for spike in spikes)


def test_slices_tell_in_the_random_logs() -> None:
    told = [reference(Shape(seed, 2, 2, 2), dimensions=("source", "aspect")) for seed in range(12)]
    spikes = [Spike.model_validate_json(value) for events in told for value in events.values()]
    assert {spike.dimension for spike in spikes} >= {"source"}
