"""An episode of abnormal negativity of one object: the record of ``molva.spikes``, one per event."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from schemas.base import LIVE, Part, Record, UtcDatetime
from schemas.mention import ObjectKind
from schemas.signals import AspectName

Resolution = Literal["5m", "1h", "1d"]
SpikeStatus = Literal["opened", "updated", "resolved"]
Signal = Literal["negativity", "volume"]
"""``negativity``: more negative mentions than the object's rhythm and volume explain. ``volume``: more
mentions of any kind than its rhythm explains; such a spike is never above ``info``."""
Severity = Literal["info", "warning", "critical"]
Dimension = Literal["", "source", "region", "aspect"]
"""What a spike is a slice of; the empty string: the whole object."""


class TopPost(Part):
    """A post that shows what the spike is about."""

    post_id: str
    url: str = ""
    excerpt: str
    author: str = ""
    followers: int | None = None
    p_negative: float
    created_at: UtcDatetime | None = None
    source: str = ""


class TopSource(Part):
    """Negative mentions of the spike by source."""

    source: str
    negatives: int


class TopChannel(Part):
    """Negative mentions of the spike by channel (a group, a wall, a feed)."""

    channel: str
    """``<source>:<channel id>``."""
    name: str = ""
    negatives: int


class TopTerm(Part):
    """A word or a name that stands out in the spike's negative mentions against the object's last week."""

    text: str
    posts: int
    """Negative mentions of the spike with it."""
    expected: float
    """As many would be usual among as many mentions."""
    z: float
    """Log-odds with a prior, in standard deviations (`pipeline.core.surges`)."""


class TopCluster(Part):
    """A group of near-duplicates in the spike."""

    cluster: str
    posts: int
    authors: int


class TopAspect(Part):
    """Negative mentions of the spike by aspect."""

    aspect: AspectName
    negatives: int


class Coordination(Part):
    """Whether the wave looks organised. A suspicion, not a finding: people decide."""

    suspected: bool = False
    reasons: tuple[str, ...] = ()
    """Which signs were seen: ``copies``, ``few_authors``, ``young_accounts``, ``burst``."""


class Explanation(Part):
    """What explains a spike; empty parts where nothing is known."""

    expected_low: float = 0.0
    expected_high: float = 0.0
    """The central 95 % interval of the negatives that were expected in the run."""
    expected_authors: float = 0.0
    """Unique authors that as long a time usually has."""
    activation: float | None = None
    """Unique authors of the run to those expected; None: no baseline yet."""
    reach: int = 0
    """Followers of the run's unique authors of negative mentions, summed; at least, since not all tell."""
    representative: tuple[TopPost, ...] = ()
    """Posts nearest to what most of the wave says; ``Spike.top_posts`` are those of the greatest reach."""
    first_post: TopPost | None = None
    """The earliest negative post of the wave's largest cluster, or of the run."""
    words: tuple[TopTerm, ...] = ()
    names: tuple[TopTerm, ...] = ()
    clusters: tuple[TopCluster, ...] = ()
    duplicate_share: float = 0.0
    """Share of the run's negative mentions that are a near-duplicate of an earlier one."""
    channels: tuple[TopChannel, ...] = ()
    aspects: tuple[TopAspect, ...] = ()
    coordination: Coordination = Coordination()


class Spike(Record):
    """One event of a spike's life. ``id`` never changes; ``revision`` counts its events from 1.

    A spike that rises again shortly after it was resolved goes on under its id: an ``updated`` may follow a
    ``resolved``. A spike is open while the event with its greatest revision is not ``resolved``.

    The counts cover the run: from the bucket in which the score last left zero to the current bucket.
    """

    TYPE: ClassVar[str] = "spike"

    id: str
    """``<object id>/<resolution>/<opening bucket>``, then ``/volume`` for that signal,
    ``/<dimension>=<value>`` for a slice, and ``/<timeline>`` where that is not live."""
    revision: int = Field(ge=1)
    status: SpikeStatus
    object_id: str
    object_kind: ObjectKind
    timeline: str = LIVE
    resolution: Resolution
    signal: Signal = "negativity"
    dimension: Dimension = ""
    value: str = ""
    """The slice: ``vk``, ``Самара``, ``app``; empty for the whole object."""
    severity: Severity = "warning"
    opened_at: UtcDatetime
    """End of the bucket that opened the spike: the first moment at which it could be known."""
    started_at: UtcDatetime
    """Start of the first bucket of the run."""
    updated_at: UtcDatetime
    """End of the bucket that this event is about."""
    resolved_at: UtcDatetime | None = None
    score: float
    peak_score: float
    negatives: int
    expected_negatives: float
    total: int
    expected_total: float
    authors: int
    """Unique authors of the run's negative mentions (posts without an author count one each)."""
    top_posts: tuple[TopPost, ...] = ()
    top_sources: tuple[TopSource, ...] = ()
    late: int = 0
    """Mentions of the run that came too late to be judged."""
    explanation: Explanation = Explanation()

    @property
    def event_id(self) -> str:
        return f"{self.id}#{self.revision}"

    @property
    def event_source(self) -> str:
        return "molva-detection"

    @property
    def event_time(self) -> datetime:
        return self.updated_at

    @property
    def key(self) -> str:
        return self.object_id
