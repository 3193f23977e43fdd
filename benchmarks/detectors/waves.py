"""When a wave of negatives had ended, and when the plain rule would have ended its spike, by counts per hour.

The yardsticks of `benchmarks.detector_incidents` and `benchmarks.spikes_2014` for how late spikes resolve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from pipeline.core import spikes
from pipeline.core.episodes import held_open
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State
from pipeline.core.windows import HOUR

PAUSE: Final = 10
"""Hours in a row without a raised one that end a wave: longer than people sleep, shorter than a day."""
PLAIN_CALM, PLAIN_HOURS = 6.0, 6
"""The plain rule: the score below so much for so many hours in a row."""

Counts = Mapping[int, tuple[int, int]]
"""Hour (its start, seconds since 1970) -> negatives, total; an hour without mentions may be missing."""


class Judged(NamedTuple):
    """An hour of an object, as the 1-hour detector saw it."""

    negatives: int
    total: int
    expected: float
    """Negatives that rhythm and volume explained beforehand."""
    high: float
    """Upper end of the 95 % interval of that expectation."""
    state: State
    """The detector's, after the hour."""

    @property
    def raised(self) -> bool:
        """Above the interval, and at least twice the expectation."""
        return self.negatives > self.high and self.negatives >= 2.0 * self.expected


def judged(counts: Counts, end: int) -> dict[int, Judged]:
    """Every hour from the first with a mention to ``end`` (included)."""
    p, state, found = parameters("1h"), State(), {}
    for hour in range(min(counts), end + HOUR, HOUR):
        negatives, total = counts.get(hour, (0, 0))
        expectation = spikes.expect(p, state, hour, total - negatives)
        following, _ = spikes.update(p, state, hour, negatives, total)
        state = held_open("1h", state, following, hour)
        high = spikes.interval(expectation.given, expectation.spread)[1]
        found[hour] = Judged(negatives, total, expectation.given, high, state)
    return found


def wave_end(hours: Mapping[int, Judged], opened: int, until: int) -> int:
    """The end of the last raised hour (seconds since 1970) of the wave that ``opened`` lies in.

    Args:
        opened: start of the hour that opened the spike; the wave goes on from it, whatever it counts.
        until: where the object's next spike opens: what comes then is another wave.
    """
    last = opened
    for hour in range(opened, until, HOUR):
        if hour - last > PAUSE * HOUR or hour not in hours:
            break
        if hours[hour].raised:
            last = hour
    return last + HOUR


def half_crest_end(hours: Mapping[int, Judged], started: int, resolved: int) -> int:
    """The end of the last hour of the spike that has at least half the negatives of its greatest hour."""
    crest = max(hours[hour].negatives for hour in _between(hours, started, resolved))
    strong = (hour for hour in _between(hours, started, resolved) if 2 * hours[hour].negatives >= crest)
    return max(strong) + HOUR


def plain_end(hours: Mapping[int, Judged], opened: int) -> int | None:
    """When the plain rule resolves the spike that the hour ``opened`` opens; None: not before the hours end.

    The detector goes on from there with the score of the design, which nothing but its gates bounds.
    """
    p, state, calm = parameters("1h", hold=1 << 30, bounded=0.0), hours[opened].state, 0
    for hour in _between(hours, opened + HOUR, max(hours) + HOUR):
        state, score = spikes.update(p, state, hour, hours[hour].negatives, hours[hour].total)
        calm = calm + 1 if score < PLAIN_CALM else 0
        if calm == PLAIN_HOURS:
            return hour + HOUR
    return None


def _between(hours: Mapping[int, Judged], first: int, end: int) -> Iterator[int]:
    return (hour for hour in range(first, end, HOUR) if hour in hours)
