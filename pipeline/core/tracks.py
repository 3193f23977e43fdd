"""Everything that judges one object at one resolution: the whole, its volume, its slices; told once.

`pipeline.core.object_state` closes a bucket here, at each resolution. All detectors are advanced first, then
one decision says which of them may open a spike (`pipeline.core.dimensions`), then events are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pipeline.core.background import Background
from pipeline.core.cold_start import Past, expected_of
from pipeline.core.dimensions import WHOLE, Claim, Slice, outdated, speaker
from pipeline.core.episodes import Subject
from pipeline.core.parameters import Parameters
from pipeline.core.pending import MISSED, Content, Late
from pipeline.core.tally import Tally
from pipeline.core.track import NegativityTrack, Track, VolumeTrack
from schemas import Spike
from schemas.mention import ObjectKind
from schemas.spike import Dimension, Resolution

ALIKE: Final[Mapping[tuple[str, Resolution], float]] = {}
"""Every object opens at the usual threshold."""


class Rules:
    """How objects are judged.

    Args:
        parameters: those of objects without thresholds of their own.
        dimensions: what objects are sliced by; empty: they are judged as a whole only.
        open_at: thresholds of single objects, by id and resolution, in place of `Parameters.open_at`.
    """

    __slots__ = ("_own", "_usual", "dimensions")

    def __init__(
        self,
        parameters: Mapping[Resolution, Parameters],
        dimensions: tuple[Dimension, ...] = (),
        open_at: Mapping[tuple[str, Resolution], float] = ALIKE,
    ) -> None:
        self.dimensions = dimensions
        self._usual = parameters
        self._own = {
            (object_id, resolution): replace(parameters[resolution], open_at=threshold)
            for (object_id, resolution), threshold in open_at.items()
        }

    def parameters(self, object_id: str, resolution: Resolution) -> Parameters:
        """How an object is judged at a resolution."""
        return self._own.get((object_id, resolution)) or self._usual[resolution]


class Tracks:
    """The detectors of one object at one resolution.

    Args:
        whole: of all its mentions.
        volume: of the mentions of any kind.
        slices: those of the values of the configured dimensions that were mentioned lately.
        last: start of the newest bucket with a mention of each slice.
    """

    __slots__ = ("last", "slices", "volume", "whole")

    def __init__(
        self,
        whole: NegativityTrack | None = None,
        volume: VolumeTrack | None = None,
        slices: dict[Slice, NegativityTrack] | None = None,
        last: dict[Slice, int] | None = None,
    ) -> None:
        self.whole = whole or NegativityTrack()
        self.volume = volume or VolumeTrack()
        self.slices = slices or {}
        self.last = last or {}

    @classmethod
    def expecting(cls, kind: ObjectKind, p: Parameters) -> Tracks:
        """Those of a new object: nothing is known but its kind."""
        return cls(NegativityTrack(expected_of(kind, p)))

    @classmethod
    def knowing(cls, past: Past) -> Tracks:
        """Those of an object whose past is known."""
        return cls(NegativityTrack(past.negativity), VolumeTrack(past.volume))

    @property
    def idle(self) -> bool:
        """True where empty buckets cannot change anything that is told."""
        return all(track.idle for track in self._all())

    @property
    def telling(self) -> bool:
        """True while a spike has been told of that has not ended."""
        return any(track.told for track in self._all())

    @property
    def frozen(self) -> bool:
        """True while the detector of the whole learns nothing: what happens is not usual."""
        return self.whole.state.frozen > 0

    def dormant(self, p: Parameters) -> bool:
        """True where further empty buckets change nothing at all."""
        return all(track.state.silent >= p.dormant for track in (self.whole, *self.slices.values()))

    def close(
        self, rules: Rules, subject: Subject, start: int, content: Content, background: Background
    ) -> Iterator[Spike]:
        """Judge the bucket that starts at ``start``.

        Args:
            subject: the whole object at this resolution.
        """
        p, tally = rules.parameters(subject.object_id, subject.resolution), content.whole
        self._keep(rules.dimensions, p, subject.object_kind, start, content)
        before = self.whole.state
        self.whole.advance(p, subject.resolution, start, tally)
        self.volume.advance(p, subject.resolution, start, tally, before)
        if self.slices:
            empty = Tally()
            for key, part in self.slices.items():
                part.advance(p, subject.resolution, start, content.tallies.get(key, empty))
        if not all(track.calm for track in self._all()):
            yield from self._tell(p, subject, start, background)
        for track in self._all():
            track.rest()

    def _keep(
        self, dimensions: tuple[Dimension, ...], p: Parameters, kind: ObjectKind, start: int, content: Content
    ) -> None:
        """Watch the slices that are mentioned; forget those that nobody asks for any more."""
        if not dimensions and not self.slices:
            return
        for key in content.tallies:
            if key != WHOLE:
                if key not in self.slices:
                    self.slices[key] = NegativityTrack(expected_of(kind, p))
                self.last[key] = start
        busy = {key for key, track in self.slices.items() if not track.state.idle}
        dropped = [key for key in self.slices if key[0] not in dimensions and key not in busy]
        for key in [*dropped, *outdated(self.last, busy.union(dropped))]:
            del self.slices[key], self.last[key]

    def _all(self) -> tuple[Track, ...]:
        return (self.whole, self.volume, *self.slices.values())

    def _tell(self, p: Parameters, subject: Subject, start: int, background: Background) -> Iterator[Spike]:
        levels = {WHOLE: self.whole, **dict(sorted(self.slices.items()))}
        speaking = speaker({key: _claim(p, track) for key, track in levels.items()})
        negativity = speaking is not None or any(track.told for track in levels.values())
        events = []
        for key, track in levels.items():
            level = subject._replace(dimension=key[0], value=key[1])
            events.append(track.tell(level, start, background, opens=key == speaking, covers=negativity))
        loud = subject._replace(signal="volume")
        opens = self.volume.waiting and not negativity
        events.append(self.volume.tell(loud, start, background, opens=opens, covers=negativity))
        yield from filter(None, events)

    def open_spikes(self, subject: Subject) -> list[str]:
        """Ids of the spikes that have been told of and have not ended; ``subject`` is the whole object."""
        levels = {WHOLE: self.whole, **self.slices}
        told: list[tuple[Subject, Track]] = [
            (subject._replace(dimension=key[0], value=key[1]), track) for key, track in levels.items()
        ]
        told.append((subject._replace(signal="volume"), self.volume))
        return [level.spike_id(track.episode.opened) for level, track in told if track.told and track.episode]

    def miss(self, resolution: Resolution, late: Late) -> None:
        """Count mentions that came too late to be judged for the runs that they belong to, not by slice."""
        which = MISSED.index(resolution)
        for track in (self.whole, self.volume):
            if not track.idle:
                track.late += sum(counts[which] for at, counts in late.items() if at >= track.started)

    def dump(self) -> list[Any]:
        """As JSON values; the inverse of `load`."""
        slices = [[*key, self.last[key], track.dump()] for key, track in sorted(self.slices.items())]
        return [self.whole.dump(), self.volume.dump(), slices]

    @classmethod
    def load(cls, values: list[Any]) -> Tracks:
        """Restore what `dump` gave, also after a way through JSON."""
        whole, volume, slices = values
        return cls(
            NegativityTrack.load(whole),
            VolumeTrack.load(volume),
            {(dimension, value): NegativityTrack.load(track) for dimension, value, _, track in slices},
            {(dimension, value): last for dimension, value, last, _ in slices},
        )


def _claim(p: Parameters, track: NegativityTrack) -> Claim:
    seen = track.seen
    if seen is None:
        return Claim(False, track.told, False, 0.0, 0.0, 0)
    margin = seen.score - p.open_at
    return Claim(seen.open, track.told, track.waiting, margin, seen.excess, seen.total)
