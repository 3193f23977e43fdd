"""Turns the detector's transitions into spike events: opened, updated, resolved.

Between `pipeline.core.spikes` (numbers) and ``molva.spikes`` (records); used by the stream operator and by
``molva detect`` alike.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.core.spike_state import State
from pipeline.core.tally import Tally
from pipeline.core.windows import STEPS, iso, moment
from schemas import Spike
from schemas.base import LIVE
from schemas.mention import ObjectKind
from schemas.spike import Resolution, SpikeStatus

REMIND: Final = 12
"""Buckets after which an open spike with new negatives is told again."""
COOLDOWN: Final[dict[Resolution, int]] = {"5m": 12, "1h": 6}
"""Buckets after its end in which a spike that rises again is the same spike."""


class Subject(NamedTuple):
    """Whose spikes."""

    object_id: str
    object_kind: ObjectKind
    timeline: str
    resolution: Resolution

    def spike_id(self, opened: int) -> str:
        """``<object>/<resolution>/<opening bucket>``, and ``/<timeline>`` where that is not live."""
        name = f"{self.object_id}/{self.resolution}/{iso(opened)}"
        return name if self.timeline == LIVE else f"{name}/{self.timeline}"


class Episode(NamedTuple):
    """What has been told of the newest spike; ``opened``, ``bucket``, ``resolved`` are starts of buckets."""

    opened: int
    revision: int
    negatives: int
    bucket: int
    resolved: int = -1
    """-1: it is open."""


def follow(
    subject: Subject, episode: Episode | None, old: State, new: State, bucket: int, score: float, tally: Tally
) -> tuple[Episode | None, Spike | None]:
    """The event of this bucket, if it has one, and what has been told after it.

    A spike is updated when its negatives have doubled since the last event, or after 12 buckets if there
    were any more. One that rises again soon after its end continues with an update, under its own id:
    whoever was told of it is not told of a new one.

    Args:
        old: the detector's state before the bucket; ``new``, ``score``: what `spikes.update` gave for it.
        tally: posts, sources and authors of the run, this bucket included.
    """
    run, step = new.run, STEPS[subject.resolution]
    if old.opened < 0 <= new.opened and not _continues(episode, bucket, subject.resolution):
        told = Episode(bucket, 1, run.negatives, bucket)
        return told, _event(subject, "opened", told, new, score, tally)
    if episode is None or old.opened < 0 > new.opened:
        return episode, None
    told = Episode(episode.opened, episode.revision + 1, run.negatives, bucket)
    if new.opened < 0:
        told = told._replace(resolved=bucket)
        return told, _event(subject, "resolved", told, new, score, tally)
    again = episode.resolved >= 0
    doubled = run.negatives >= 2 * episode.negatives
    due = bucket - episode.bucket >= REMIND * step and run.negatives > episode.negatives
    if again or doubled or due:
        return told, _event(subject, "updated", told, new, score, tally)
    return episode, None


def _continues(episode: Episode | None, bucket: int, resolution: Resolution) -> bool:
    cooldown = COOLDOWN[resolution] * STEPS[resolution]
    return episode is not None and bucket - episode.resolved <= cooldown


def _event(
    subject: Subject,
    status: SpikeStatus,
    told: Episode,
    state: State,
    score: float,
    tally: Tally,
) -> Spike:
    step = STEPS[subject.resolution]
    run, end = state.run, moment(told.bucket + step)
    return Spike(
        id=subject.spike_id(told.opened),
        revision=told.revision,
        status=status,
        object_id=subject.object_id,
        object_kind=subject.object_kind,
        timeline=subject.timeline,
        resolution=subject.resolution,
        opened_at=moment(told.opened + step),
        started_at=moment(run.started),
        updated_at=end,
        resolved_at=end if status == "resolved" else None,
        score=round(score, 3),
        peak_score=round(run.peak, 3),
        negatives=run.negatives,
        expected_negatives=round(run.expected, 3),
        total=run.negatives + run.others,
        expected_total=round(run.usual + run.usual_others, 3),
        authors=tally.authors.count(),
        top_posts=tally.top_posts(),
        top_sources=tally.top_sources(),
    )
