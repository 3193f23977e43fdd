"""The detector on plain counts of many objects, without posts or watermarks: the core of ``molva detect``."""

from __future__ import annotations

from pipeline.core import plain, spikes
from pipeline.core.episodes import Episode, Subject, follow, held_open
from pipeline.core.parameters import parameters
from pipeline.core.spike_state import State
from pipeline.core.tally import Tally
from pipeline.core.windows import STEPS
from schemas import Spike
from schemas.base import LIVE
from schemas.spike import Resolution


class ObjectSeries:
    """One object's counts, bucket after bucket; buckets left out count as empty.

    Args:
        name: the object's id.
        resolution: length of the buckets.
        counts: the series is a plain count, without a volume: `pipeline.core.plain` judges it.
    """

    def __init__(self, name: str, resolution: Resolution, *, counts: bool = False) -> None:
        self._parameters = plain.plain_parameters(resolution) if counts else parameters(resolution)
        self._plain = plain.PlainState() if counts else None
        self._step = STEPS[resolution]
        self._subject = Subject(name, "brand", LIVE, resolution)
        self._state = State()
        self._episode: Episode | None = None
        self.upcoming: int | None = None
        """Start of the first bucket that has not been judged; None at the beginning."""

    def judge(self, bucket: int, negative: int, total: int) -> tuple[float, list[Spike]]:
        """Judge the empty buckets before ``bucket``, then the bucket itself.

        Args:
            bucket: start in seconds since 1970, at or after `upcoming`.

        Returns:
            The score of ``bucket``, and the events of all buckets judged.
        """
        events: list[Spike] = []
        upcoming = bucket if self.upcoming is None else self.upcoming
        while upcoming < bucket and self._state.silent < self._parameters.dormant:
            self._step_over(upcoming, 0, 0, events)
            upcoming += self._step
        score = self._step_over(bucket, negative, total, events)
        self.upcoming = bucket + self._step
        return score, events

    def _step_over(self, bucket: int, negative: int, total: int, events: list[Spike]) -> float:
        old = self._state
        if self._plain is None:
            new, score = spikes.update(self._parameters, old, bucket, negative, total)
            self._state = held_open(self._subject.resolution, old, new, bucket)
        else:
            self._plain, score = plain.update(self._parameters, self._plain, bucket, total)
            self._state = self._plain.judged
        self._episode, event = follow(self._subject, self._episode, old, self._state, bucket, score, Tally())
        if event:
            events.append(event)
        return score
