"""When posts became visible in ClickHouse, by asking it: the benchmark's own measure, not a stored time.

Storage inserts each partition of ``molva.posts.enriched`` in the order of its offsets, so the largest offset
that a look sees says of every post of that partition whether it was visible by then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

_LOOK = """
SELECT _partition, max(_offset), max(created_at) FROM posts
WHERE timeline = %(timeline)s AND created_at >= toDateTime(%(since)s, 'UTC') GROUP BY _partition
"""
_POSTS = "SELECT _partition, _offset, collected_at FROM posts WHERE timeline = %(timeline)s"
_COUNTS = """
SELECT count(), uniqExact(id), (SELECT count() FROM mentions WHERE timeline = %(timeline)s),
       (SELECT uniqExact(id) FROM spikes WHERE timeline = %(timeline)s)
FROM posts WHERE timeline = %(timeline)s
"""
BEFORE = timedelta(minutes=10)
"""How far before the newest event time that every partition has shown a look still reads.

Posts are published in the order of their event times, so the table, which is ordered by them, is read at its
end only: without this, looks at millions of rows would take more of the machine than what they measure."""


class Stored(NamedTuple):
    """What ClickHouse holds of a timeline."""

    rows: int
    posts: int
    mentions: int
    spikes: int


@dataclass
class Visible:
    """The looks at one timeline; ``execute`` is that of a ClickHouse client, ``clock`` gives Unix seconds."""

    execute: Any
    timeline: str
    clock: Callable[[], float]
    _looks: dict[int, tuple[list[int], list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: ([], []))
    )
    _newest: dict[int, datetime] = field(default_factory=dict)
    """Partition -> the newest event time that it has shown."""

    def look(self, whole: bool = False) -> None:
        """Ask ClickHouse; what it shows counts from the answer on, so times err late, by at most a look.

        Args:
            whole: read the whole timeline, as the last look must.
        """
        since = 0 if whole or not self._newest else int((min(self._newest.values()) - BEFORE).timestamp())
        answer = self.execute(_LOOK, {"timeline": self.timeline, "since": since})
        now = self.clock()
        for partition, offset, newest in answer:
            self._newest[partition] = newest
            offsets, times = self._looks[partition]
            if not offsets or offset > offsets[-1]:
                offsets.append(offset)
                times.append(now)

    def seconds(self) -> Sequence[float]:
        """From publication to visibility, of every post."""
        waited = []
        for partition, offset, collected_at in self.execute(_POSTS, {"timeline": self.timeline}):
            offsets, times = self._looks[partition]
            waited.append(times[bisect_left(offsets, offset)] - collected_at.timestamp())
        return waited

    def stored(self) -> Stored:
        """Counts of the timeline."""
        return Stored(*self.execute(_COUNTS, {"timeline": self.timeline})[0])


def quantile_ms(seconds: Sequence[float], share: float) -> float | None:
    """A quantile in milliseconds; None of nothing."""
    return round(float(np.quantile(np.array(seconds), share)) * 1000, 1) if seconds else None
