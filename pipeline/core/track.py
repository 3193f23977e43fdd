"""One detector with what it needs to tell of a spike: the run's tally, and what has been told.

`NegativityTrack` judges negative mentions (of an object or of a slice of it), `VolumeTrack` mentions of any
kind; `pipeline.core.tracks` advances them bucket by bucket and decides which may open a spike.
"""

from __future__ import annotations

from typing import Any, Final

from pipeline.core import spike_state, spikes, volume
from pipeline.core.background import Background
from pipeline.core.episodes import Episode, Reading, Subject, held_open, is_open, may_end, reading, tell
from pipeline.core.explanation import explain
from pipeline.core.parameters import Parameters
from pipeline.core.spike_state import State
from pipeline.core.tally import Tally
from pipeline.core.volume import VolumeState
from pipeline.core.windows import HOUR, STEPS
from schemas import Spike
from schemas.spike import Explanation, Resolution

SPREAD: Final = 0.2
"""Variance beyond Poisson of the negatives that a volume run should have, in squares of their mean."""


class Track:
    """What both kinds have in common: one run at a time, and the newest spike."""

    __slots__ = ("covered", "episode", "late", "run", "seen")

    def __init__(
        self, run: Tally | None = None, told: Episode | None = None, covered: int = -1, late: int = 0
    ) -> None:
        self.run = run or Tally()
        self.episode = told
        self.covered = covered
        """`Reading.judged` when another level last spoke for the run; -1: none has."""
        self.late = late
        """Mentions of the run that came too late to be judged."""
        self.seen: Reading | None = None
        """What the detector says of the bucket that is being judged; None: it stands still or at rest."""

    @property
    def idle(self) -> bool:
        """True where empty buckets cannot change anything that is told."""
        raise NotImplementedError

    @property
    def started(self) -> int:
        """First bucket of the run; -1: there is none."""
        raise NotImplementedError

    @property
    def told(self) -> bool:
        """A spike has been told of that has not ended."""
        return is_open(self.episode)

    @property
    def waiting(self) -> bool:
        """It has a spike to tell of: not told, and not the rest of what another level told."""
        if self.told or self.seen is None or not self.seen.open:
            return False
        return self.covered < 0 or self.seen.judged >= 2 * self.covered

    @property
    def calm(self) -> bool:
        """Nothing is open, in the detector or of what was told: this bucket has no event."""
        return not self.told and not (self.seen and self.seen.open)

    def tell(
        self, subject: Subject, start: int, background: Background, *, opens: bool, covers: bool
    ) -> Spike | None:
        """The event of the bucket that is being judged, if it has one.

        Args:
            opens: a spike may be opened.
            covers: another level tells of it in this bucket.
        """
        if self.seen is None:
            return None
        if not self.told and not opens:
            if covers and self.seen.open:
                self.covered = self.seen.judged
            return None
        seen = self.seen

        def explanation() -> Explanation:
            hours = (start + STEPS[subject.resolution] - seen.started) / HOUR
            found = explain(self.run, background, hours, *self._interval())
            if subject.dimension:  # the background knows the authors of the whole object only
                return found.model_copy(update={"expected_authors": 0.0, "activation": None})
            return found

        self.episode, event = tell(subject, self.episode, seen, start, self.run, explanation, late=self.late)
        return event

    def rest(self) -> None:
        """The bucket is judged: drop what belongs to no run."""
        self.seen = None
        if self.idle and (self.run.total or self.late or self.covered >= 0):
            self._begin()

    def _begin(self) -> None:
        self.run, self.late, self.covered = Tally(), 0, -1

    def _interval(self) -> tuple[float, float]:
        raise NotImplementedError

    def _dump(self) -> list[Any]:
        return [self.run.dump(), self.episode, self.covered, self.late]


class NegativityTrack(Track):
    """The negativity detector of one level at one resolution."""

    __slots__ = ("state",)

    def __init__(
        self,
        state: State | None = None,
        run: Tally | None = None,
        told: Episode | None = None,
        covered: int = -1,
        late: int = 0,
    ) -> None:
        super().__init__(run, told, covered, late)
        self.state = state or State()

    @property
    def idle(self) -> bool:
        return self.state.idle

    @property
    def started(self) -> int:
        return self.state.run.started

    def advance(self, p: Parameters, resolution: Resolution, start: int, tally: Tally) -> None:
        """Let the detector judge the bucket that starts at ``start``."""
        old = self.state
        new, score = spikes.update(p, old, start, tally.negatives, tally.total)
        if new is old:  # dormant
            return
        self.state = held_open(resolution, old, new, start)
        if tally.total and not (old.idle and self.state.idle):
            self.run.merge(tally)
        self.seen = None if old.idle and self.state.idle else reading(self.state, score)

    def _interval(self) -> tuple[float, float]:
        return spikes.run_interval(self.state)

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        return [spike_state.dump(self.state), *self._dump()]

    @classmethod
    def load(cls, values: list[Any]) -> NegativityTrack:
        """Restore what `dump` gave, also after a way through JSON, also that of version 1."""
        state, run, told, *rest = values
        return cls(spike_state.load(state), Tally.load(run), Episode(*told) if told else None, *rest)


class VolumeTrack(Track):
    """The volume detector of one object at one resolution."""

    __slots__ = ("share", "state")

    def __init__(
        self,
        state: VolumeState | None = None,
        run: Tally | None = None,
        told: Episode | None = None,
        covered: int = -1,
        late: int = 0,
    ) -> None:
        super().__init__(run, told, covered, late)
        self.state = state or VolumeState()
        self.share = 0.0
        """Usual negatives per mention; as of the bucket that is being judged."""

    @property
    def idle(self) -> bool:
        return self.state.idle

    @property
    def started(self) -> int:
        return self.state.started

    def advance(
        self, p: Parameters, resolution: Resolution, start: int, tally: Tally, learned: State
    ) -> None:
        """Let the detector judge the bucket that starts at ``start``.

        Args:
            learned: the negativity detector's state before the bucket; its baseline is shared.
        """
        old = self.state
        new, score = volume.update(p, old, learned, start, tally.total)
        if old.opened >= 0 > new.opened and not may_end(resolution, old.opened, start):
            new = new._replace(opened=old.opened, calm=old.calm, held=old.held)
        self.state = new
        if tally.total and not (old.idle and new.idle):
            self.run.merge(tally)
        self.share = _share(p, learned)
        self.seen = None if old.idle and new.idle else self._reading(score)

    def _reading(self, score: float) -> Reading:
        state = self.state
        return Reading(
            open=state.opened >= 0,
            judged=state.total,
            started=state.started,
            negatives=self.run.negatives,
            expected=state.expected * self.share,
            total=state.total,
            expected_total=state.expected,
            crest=0.0,
            score=score,
            peak=state.peak,
        )

    def _interval(self) -> tuple[float, float]:
        return spikes.interval(self.state.expected * self.share, SPREAD)

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        return [volume.dump(self.state), *self._dump()]

    @classmethod
    def load(cls, values: list[Any]) -> VolumeTrack:
        """Restore what `dump` gave, also after a way through JSON."""
        state, run, told, *rest = values
        return cls(volume.load(state), Tally.load(run), Episode(*told) if told else None, *rest)


def _share(p: Parameters, state: State) -> float:
    learned = state.learned
    return (p.share_prior * p.share_weight + learned.negative) / (p.share_weight + learned.mentions)
