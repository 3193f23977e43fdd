"""Turns the detectors' transitions into spike events: opened, updated, resolved.

Between the detectors (numbers) and ``molva.spikes`` (records); used by the stream operator's tracks and by
``molva detect`` alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from pipeline.core import spikes
from pipeline.core.severity import Size, of, risen, settled
from pipeline.core.spike_state import State
from pipeline.core.tally import Tally
from pipeline.core.windows import HOUR, STEPS, iso, moment
from schemas import Spike
from schemas.base import LIVE
from schemas.mention import ObjectKind
from schemas.spike import Dimension, Explanation, Resolution, Severity, Signal, SpikeStatus

REMIND: Final[dict[Resolution, int]] = {"5m": 12, "1h": 12, "1d": 3}
"""Buckets after which an open spike with new negatives is told again."""
COOLDOWN: Final[dict[Resolution, int]] = {"5m": 12, "1h": 6, "1d": 2}
"""Buckets after its end in which a spike that rises again is the same spike."""
LEAST_OPEN: Final[dict[Resolution, int]] = {"5m": 12, "1h": 4, "1d": 2}
"""Buckets from its opening to its end, at least."""


class Subject(NamedTuple):
    """Whose spikes, and of what."""

    object_id: str
    object_kind: ObjectKind
    timeline: str
    resolution: Resolution
    signal: Signal = "negativity"
    dimension: Dimension = ""
    value: str = ""

    def spike_id(self, opened: int) -> str:
        """``<object>/<resolution>/<opening bucket>``, then ``/volume``, the slice and the timeline if any."""
        name = f"{self.object_id}/{self.resolution}/{iso(opened)}"
        if self.signal == "volume":
            name += "/volume"
        if self.dimension:
            name += f"/{self.dimension}={self.value}"
        return name if self.timeline == LIVE else f"{name}/{self.timeline}"


class Episode(NamedTuple):
    """What has been told of the newest spike; ``opened``, ``bucket``, ``resolved`` are starts of buckets.

    ``judged``: `Reading.judged` as of the last event.
    """

    opened: int
    revision: int
    judged: int
    bucket: int
    resolved: int = -1
    """-1: it is open."""
    severity: Severity = "warning"
    confirmed: int = -1
    """Start of the newest bucket in which that severity, or more, was justified."""


class Reading(NamedTuple):
    """What a detector says of its run after a bucket."""

    open: bool
    judged: int
    """Mentions of the run, of the kind that the detector judges."""
    started: int
    """First bucket of the run."""
    negatives: int
    expected: float
    total: int
    expected_total: float
    crest: float
    """Most negatives per bucket."""
    score: float
    peak: float

    @property
    def excess(self) -> float:
        """Negatives beyond the expected."""
        return self.negatives - self.expected


def reading(state: State, score: float) -> Reading:
    """What the negativity detector says after a bucket."""
    run = state.run
    return Reading(
        open=state.opened >= 0,
        judged=run.negatives,
        started=run.started,
        negatives=run.negatives,
        expected=run.expected,
        total=run.negatives + run.others,
        expected_total=run.usual + run.usual_others,
        crest=run.crest,
        score=score,
        peak=run.peak,
    )


def may_end(resolution: Resolution, opened: int, bucket: int) -> bool:
    """Whether a spike that the bucket ``opened`` opened may end with ``bucket``."""
    return bucket - opened >= LEAST_OPEN[resolution] * STEPS[resolution]


def held_open(resolution: Resolution, old: State, new: State, bucket: int) -> State:
    """``new``; still open where its spike would end before `LEAST_OPEN` buckets have passed."""
    if old.opened < 0 or new.opened >= 0 or may_end(resolution, old.opened, bucket):
        return new
    return new._replace(opened=old.opened, calm=old.calm, held=old.held)


def is_open(episode: Episode | None) -> bool:
    """Whether a spike has been told of that has not ended."""
    return episode is not None and episode.resolved < 0


def follow(
    subject: Subject, episode: Episode | None, old: State, new: State, bucket: int, score: float, tally: Tally
) -> tuple[Episode | None, Spike | None]:
    """`tell` for a series of counts: nothing is known of the posts but what is in ``tally``.

    Args:
        old: the detector's state before the bucket; ``new``, ``score``: what `spikes.update` gave for it.
    """
    if old.opened < 0 > new.opened:
        return episode, None

    def explain() -> Explanation:
        low, high = spikes.run_interval(new)
        return Explanation(expected_low=round(low, 3), expected_high=round(high, 3))

    return tell(subject, episode, reading(new, score), bucket, tally, explain)


def tell(
    subject: Subject,
    episode: Episode | None,
    seen: Reading,
    bucket: int,
    tally: Tally,
    explain: Callable[[], Explanation],
    *,
    late: int = 0,
) -> tuple[Episode | None, Spike | None]:
    """The event of this bucket, if it has one, and what has been told after it.

    A spike is updated when its severity rises, when its negatives (of a volume spike: mentions) have
    doubled since the last event, or after `REMIND` buckets if there were any more. One that rises again soon
    after its end continues with an update, under its own id: whoever was told of it is not told of a new one.

    Args:
        tally: posts, sources and authors of the run, this bucket included.
        explain: what explains the run; asked only where there is an event.
        late: mentions of the run that came too late to be judged.
    """
    if not seen.open and not is_open(episode):
        return episode, None
    crest = seen.crest * HOUR / STEPS[subject.resolution]
    hours = (bucket - seen.started) / HOUR
    now = of(subject.signal, Size(seen.negatives, seen.expected, crest, tally.authors.reach(), hours))
    status, told = _next(subject.resolution, episode, seen, bucket, now)
    if status is None:
        return told, None
    return told, _event(subject, status, told, seen, tally, explain(), late)


def _next(
    resolution: Resolution, episode: Episode | None, seen: Reading, bucket: int, now: Severity
) -> tuple[SpikeStatus | None, Episode]:
    """What is told of this bucket (None: nothing), and what has been told then."""
    going_on = is_open(episode)
    if episode is None or (not going_on and not _continues(episode, bucket, resolution)):
        return "opened", Episode(bucket, 1, seen.judged, bucket, -1, now, bucket)
    severity = settled(episode.severity, now, episode.confirmed, bucket, resolution)
    justified = severity != episode.severity or not risen(now, episode.severity)
    told = Episode(
        episode.opened,
        episode.revision + 1,
        seen.judged,
        bucket,
        -1 if seen.open else bucket,
        severity,
        bucket if justified else episode.confirmed,
    )
    if not seen.open:
        return "resolved", told
    doubled = seen.judged >= 2 * episode.judged
    more = seen.judged > episode.judged
    due = more and bucket - episode.bucket >= REMIND[resolution] * STEPS[resolution]
    if not going_on or doubled or due or risen(episode.severity, now):
        return "updated", told
    return None, episode if risen(now, episode.severity) else episode._replace(confirmed=bucket)


def _continues(episode: Episode, bucket: int, resolution: Resolution) -> bool:
    return bucket - episode.resolved <= COOLDOWN[resolution] * STEPS[resolution]


def _event(
    subject: Subject,
    status: SpikeStatus,
    told: Episode,
    seen: Reading,
    tally: Tally,
    explanation: Explanation,
    late: int,
) -> Spike:
    step = STEPS[subject.resolution]
    end = moment(told.bucket + step)
    return Spike(
        id=subject.spike_id(told.opened),
        revision=told.revision,
        status=status,
        **subject._asdict(),
        severity=told.severity,
        opened_at=moment(told.opened + step),
        started_at=moment(seen.started),
        updated_at=end,
        resolved_at=end if status == "resolved" else None,
        score=round(seen.score, 3),
        peak_score=round(seen.peak, 3),
        negatives=seen.negatives,
        expected_negatives=round(seen.expected, 3),
        total=seen.total,
        expected_total=round(seen.expected_total, 3),
        authors=tally.authors.count(),
        top_posts=tally.top_posts(),
        top_sources=tally.top_sources(),
        late=late,
        explanation=explanation,
    )
